"""Search finds names as the pages show them: 李明, whatever field each part is in."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

# Puts every character of a script without spaces between words (Han, Kana, Hangul) between spaces,
# so that each is a word of its own and has trigrams: 李明 and 李 明 become the same text. A space of
# another width counts as a space. PL/pgSQL, since an SQL function that uses its argument twice is
# not inlined, and then takes five times as long.
SPACED = r"""
CREATE FUNCTION contacts_spaced(given text) RETURNS text
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
CREATE INDEX contact_search_shown ON contacts_contact USING gin (
    contacts_spaced(email || E'\n' || full_name || E'\n' || last_name || first_name
                    || E'\n' || first_name || last_name) gin_trgm_ops
) WITH (fastupdate = on, gin_pending_list_limit = 16384)
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        TrigramExtension(),
        migrations.RunSQL(SPACED, "DROP FUNCTION contacts_spaced"),
        migrations.RunSQL(INDEX, "DROP INDEX contact_search_shown"),
        # Compressing pieces of a file costs more time than reading them.
        migrations.RunSQL(
            "ALTER TABLE contacts_importchunk ALTER COLUMN data SET STORAGE EXTERNAL",
            "ALTER TABLE contacts_importchunk ALTER COLUMN data SET STORAGE EXTENDED",
        ),
        # Room for changed fields beside the row: no index is touched by an update.
        migrations.RunSQL(
            "ALTER TABLE contacts_contact SET (fillfactor = 90)",
            "ALTER TABLE contacts_contact RESET (fillfactor)",
        ),
    ]
