"""Search finds names as the pages show them: 李明, whatever field each part is in."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

# Puts every character of a script without spaces between words (Han, Kana, Hangul) between spaces,
# so that each is a word of its own and has trigrams: 李明 and 李 明 become the same text. A space of
# another width counts as a space. PL/pgSQL, since an SQL function that uses its argument twice is
# not inlined, and then takes five times as long. A second regular expression for runs of spaces
# would double the time.
SPACED = r"""
CREATE FUNCTION contacts_spaced(given text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    spaced text;
BEGIN
    IF octet_length(given) = char_length(given) THEN
        RETURN given;  -- Latin letters alone: nothing to put between
    END IF;
    spaced := regexp_replace(
        translate(given, U&'\00A0\3000', '  '),
        U&'([\2E80-\2FDF\3005-\9FFF\AC00-\D7AF\F900-\FAFF\+020000-\+03FFFF])', ' \1 ', 'g');
    WHILE position('  ' IN spaced) > 0 LOOP
        spaced := replace(spaced, '  ', ' ');
    END LOOP;
    RETURN spaced;
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

# The narrow rows of IndexedValue. `contacts_indexed` has the forms of a value: nothing for a contact
# without one. A number of very many digits would not fit into an index.
INDEXED = r"""
CREATE FUNCTION contacts_indexed(attributes jsonb, key text, type text)
RETURNS TABLE (text text, whole text, number numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $3 = 'date'
                THEN coalesce(substring(raw from '^[0-9]{4}-[0-9]{2}-[0-9]{2}'),
                              '~' || left(folded, 199))
                ELSE left(folded, 200) END,
           CASE WHEN char_length(folded) > 200 THEN folded END,
           CASE jsonb_typeof(given)
                WHEN 'number' THEN CASE WHEN octet_length(raw) < 100 THEN raw::numeric END
                WHEN 'boolean' THEN (raw = 'true')::int END
      FROM (SELECT $1 -> $2 AS given, $1 ->> $2 AS raw) one,
           LATERAL (SELECT lower(normalize(raw, NFKC)) AS folded) again
     WHERE raw IS NOT NULL
$$;

-- EXECUTE plans each statement for the number of rows that it gets. A plan that was kept from a
-- change of one contact would compare 20,000 changed ones each with each.
CREATE FUNCTION contacts_keep_indexed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM contacts_attribute WHERE indexing <> '') THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        EXECUTE 'DELETE FROM contacts_indexedvalue v USING gone WHERE v.contact_id = gone.id';
    ELSIF TG_OP = 'INSERT' THEN
        EXECUTE $sql$
        INSERT INTO contacts_indexedvalue (contact_id, attribute_id, text, whole, number)
        SELECT c.id, a.id, v.text, v.whole, v.number
          FROM fresh c
          JOIN contacts_attribute a ON a.workspace_id = c.workspace_id AND a.indexing <> '',
               contacts_indexed(c.attributes, a.key, a.type) v
        $sql$;
    ELSE
        EXECUTE $sql$
        WITH changed AS (
            SELECT c.id, a.id AS attribute_id, c.attributes, a.key, a.type
              FROM fresh c
              JOIN gone ON gone.id = c.id AND gone.attributes IS DISTINCT FROM c.attributes
              JOIN contacts_attribute a ON a.workspace_id = c.workspace_id AND a.indexing <> ''
             WHERE c.attributes -> a.key IS DISTINCT FROM gone.attributes -> a.key),
        emptied AS (
            DELETE FROM contacts_indexedvalue v USING changed c
             WHERE v.contact_id = c.id AND v.attribute_id = c.attribute_id
               AND c.attributes ->> c.key IS NULL)
        INSERT INTO contacts_indexedvalue (contact_id, attribute_id, text, whole, number)
        SELECT c.id, c.attribute_id, v.text, v.whole, v.number
          FROM changed c, contacts_indexed(c.attributes, c.key, c.type) v
        ON CONFLICT (contact_id, attribute_id) DO UPDATE
           SET text = excluded.text, whole = excluded.whole, number = excluded.number
        $sql$;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER contact_indexed_insert AFTER INSERT ON contacts_contact
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION contacts_keep_indexed();
CREATE TRIGGER contact_indexed_update AFTER UPDATE ON contacts_contact
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_keep_indexed();
CREATE TRIGGER contact_indexed_delete AFTER DELETE ON contacts_contact
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION contacts_keep_indexed()
"""
NOT_INDEXED = """
DROP TRIGGER contact_indexed_insert ON contacts_contact;
DROP TRIGGER contact_indexed_update ON contacts_contact;
DROP TRIGGER contact_indexed_delete ON contacts_contact;
DROP FUNCTION contacts_keep_indexed;
DROP FUNCTION contacts_indexed
"""

# Foreign keys of the tables that an import fills, with the guarantee of PostgreSQL's own: a row has
# its parent, which is locked until the commit, and a parent that has rows is not deleted. They are
# checked once for each inserting statement: PostgreSQL's own look-up takes 7 us for each row and
# key, half of an import's time at COMMIT. Parents are looked up by their index, whatever the
# planner believed when a plan was kept.
KEYS = (
    ("contacts_contact", "workspace_id", "accounts_workspace"),
    ("contacts_subscription", "list_id", "contacts_list"),
    ("contacts_subscription", "contact_id", "contacts_contact"),
    ("contacts_contacttag", "tag_id", "contacts_tag"),
    ("contacts_contacttag", "contact_id", "contacts_contact"),
)
# For {child}.{column}, which names a row of {parent}.
KEY = """
CREATE FUNCTION {child}_{column}_inserted() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    missing bigint;
BEGIN
    WITH wanted AS MATERIALIZED (SELECT DISTINCT {column} AS id FROM fresh ORDER BY 1),
    there AS MATERIALIZED (
        SELECT parent.id FROM wanted JOIN {parent} parent ON parent.id = wanted.id
           FOR KEY SHARE OF parent)
    SELECT (SELECT count(*) FROM wanted) - (SELECT count(*) FROM there) INTO missing;
    IF missing > 0 THEN
        RAISE foreign_key_violation USING
            MESSAGE = '{child}.{column} has no row in {parent}', TABLE = '{child}';
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION {child}_{column}_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM {parent} WHERE id = NEW.{column} FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING
            MESSAGE = '{child}.{column} has no row in {parent}', TABLE = '{child}';
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION {child}_{column}_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM {child} WHERE {column} = OLD.id LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation USING
            MESSAGE = '{child}.{column} still names a row of {parent}', TABLE = '{child}';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER {child}_{column}_inserted AFTER INSERT ON {child}
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION {child}_{column}_inserted();
CREATE CONSTRAINT TRIGGER {child}_{column}_updated AFTER UPDATE OF {column} ON {child}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.{column} <> NEW.{column})
    EXECUTE FUNCTION {child}_{column}_updated();
CREATE CONSTRAINT TRIGGER {child}_{column}_deleted AFTER DELETE OR UPDATE OF id ON {parent}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {child}_{column}_deleted()
"""
NO_KEY = """
DROP TRIGGER {child}_{column}_inserted ON {child};
DROP TRIGGER {child}_{column}_updated ON {child};
DROP TRIGGER {child}_{column}_deleted ON {parent};
DROP FUNCTION {child}_{column}_inserted, {child}_{column}_updated, {child}_{column}_deleted
"""


def _of_keys(statements: str) -> str:
    return ";".join(
        statements.format(child=child, column=column, parent=parent)
        for child, column, parent in KEYS
    )


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        TrigramExtension(),
        migrations.RunSQL(SPACED, "DROP FUNCTION contacts_spaced"),
        migrations.RunSQL(INDEX, "DROP INDEX contact_search_shown"),
        migrations.RunSQL(INDEXED, NOT_INDEXED),
        migrations.RunSQL(_of_keys(KEY), _of_keys(NO_KEY)),
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
