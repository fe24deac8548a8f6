"""Search finds names as the pages show them: 李明, whatever field each part is in."""

from django.db import migrations

# Puts every character of a script without spaces between words (Han, Kana, Hangul) between spaces,
# so that each is a word of its own and has trigrams: 李明 and 李 明 become the same text. A space of
# another width counts as a space. PL/pgSQL, since an SQL function that uses its argument twice is
# not inlined, and then takes five times as long.
SPACED = r"""
CREATE OR REPLACE FUNCTION contacts_spaced(given text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF octet_length(given) = char_length(given) THEN
        RETURN given;  -- Latin letters alone: nothing to put between
    END IF;
    RETURN regexp_replace(
        regexp_replace(
            translate(given, U&'\00A0\3000', '  '),
            U&'([\2E80-\2FDF\3005-\9FFF\AC00-\D7AF\F900-\FAFF\+020000-\+03FFFF])', ' \1 ', 'g'),
        ' +', ' ', 'g');
END
$$
"""
# As contacts.queries.people.Matches writes it. Both orders of the names, each without a space
# between; a line break between the parts, so that no word goes over from one into the next.
INDEX = r"""
CREATE INDEX CONCURRENTLY contact_search_shown ON contacts_contact USING gin (
    contacts_spaced(email || E'\n' || full_name || E'\n' || last_name || first_name
                    || E'\n' || first_name || last_name) gin_trgm_ops
) WITH (fastupdate = on, gin_pending_list_limit = 16384)
"""
OLD_INDEX = """
CREATE INDEX CONCURRENTLY contact_search ON contacts_contact USING gin (
    (email || ' ' || first_name || ' ' || last_name || ' ' || full_name) gin_trgm_ops
) WITH (fastupdate = on, gin_pending_list_limit = 16384)
"""


class Migration(migrations.Migration):
    # An index that is built concurrently stops no writes, and can't be built in a transaction.
    atomic = False

    dependencies = [("contacts", "0003_import_words")]

    operations = [
        migrations.RunSQL(SPACED, "DROP FUNCTION contacts_spaced"),
        # What a migration that was interrupted left.
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS contact_search_shown", migrations.RunSQL.noop
        ),
        migrations.RunSQL(INDEX, OLD_INDEX),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS contact_search",
            "DROP INDEX CONCURRENTLY IF EXISTS contact_search_shown",
        ),
    ]
