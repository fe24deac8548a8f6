from django.db import migrations

# A block's tables (sending.blocks) are made by the database, so that the migration and the running
# program (queries.blocks) have one text for it, and columns that later migrations add come with it.
# Made apart and then attached, which stops no query on the parent. Each has a primary key of its
# own, with ids from the block's range: the key of the parent would have to hold the mailing, too.
FUNCTIONS = """
CREATE FUNCTION sending_make_block(block bigint) RETURNS void LANGUAGE plpgsql AS $make$
DECLARE
  parent text;
  leaf text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['sending_message', 'sending_event', 'sending_leftout',
                                'sending_streamitem'] LOOP
    leaf := parent || '_' || block;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING GENERATED)', leaf, parent);
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (%I)', leaf,
                   CASE parent WHEN 'sending_streamitem' THEN 'message_id' ELSE 'id' END);
    IF parent = 'sending_message' THEN
      EXECUTE format('CREATE SEQUENCE sending_message_id_%s MINVALUE %s MAXVALUE %s OWNED BY %I.id',
                     block, greatest(block << 36, 1), ((block + 1) << 36) - 1, leaf);
      -- Room on each page for the one update that most rows get, so that it is a heap-only tuple:
      -- 86 of 100 are, instead of 1. Once all are settled the table is no larger than without.
      EXECUTE format('ALTER TABLE %I ALTER id SET DEFAULT nextval(%L), SET (fillfactor = 45),'
                     ' ADD CONSTRAINT sending_message_ids CHECK (id >> 36 = %s)',
                     leaf, 'sending_message_id_' || block, block);
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                   parent, leaf, block * 1000000, (block + 1) * 1000000);
  END LOOP;
END
$make$;

-- For rows that come one by one; a freeze and a stream ask the sequence of their block.
CREATE FUNCTION sending_next_message_id() RETURNS bigint LANGUAGE sql VOLATILE AS $next$
  SELECT nextval('sending_message_id_' || last_value / 1000000) FROM sending_mailing_id_seq
$next$;
"""

# The tables that 0001 made, empty as they are, become parents of partitions, with their indexes.
# Primary keys stay behind: each partition has its own.
PARENTS = """
DO $parents$
DECLARE
  parent text;
  definition text;
  definitions text[];
BEGIN
  FOREACH parent IN ARRAY ARRAY['sending_message', 'sending_event', 'sending_leftout',
                                'sending_streamitem'] LOOP
    definitions := ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index
                          WHERE indrelid = parent::regclass AND NOT indisprimary);
    EXECUTE format('ALTER TABLE %I RENAME TO %I', parent, parent || '_plain');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING GENERATED)'
                   ' PARTITION BY RANGE (mailing_id)', parent, parent || '_plain');
    EXECUTE format('DROP TABLE %I', parent || '_plain');
    FOREACH definition IN ARRAY definitions LOOP
      EXECUTE definition;
    END LOOP;
    IF parent IN ('sending_event', 'sending_leftout') THEN
      EXECUTE format('CREATE SEQUENCE %I OWNED BY %I.id', parent || '_id_seq', parent);
      EXECUTE format('ALTER TABLE %I ALTER id SET DEFAULT nextval(%L)', parent,
                     parent || '_id_seq');
    END IF;
  END LOOP;
END
$parents$;
ALTER TABLE sending_message ALTER id SET DEFAULT sending_next_message_id();
SELECT sending_make_block(0);
"""

# Backward only while they are empty: a plain table could not hold what the partitions hold in time.
PLAIN = """
DO $plain$
DECLARE
  parent text;
  definition text;
  definitions text[];
  filled boolean;
BEGIN
  FOREACH parent IN ARRAY ARRAY['sending_message', 'sending_event', 'sending_leftout',
                                'sending_streamitem'] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', parent) INTO filled;
    IF filled THEN
      RAISE EXCEPTION '% has rows: this migration is taken back on empty tables only', parent;
    END IF;
    definitions := ARRAY(SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
                           FROM pg_index WHERE indrelid = parent::regclass);
    EXECUTE format('ALTER TABLE %I RENAME TO %I', parent, parent || '_parts');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING GENERATED)', parent, parent || '_parts');
    EXECUTE format('DROP TABLE %I CASCADE', parent || '_parts');
    FOREACH definition IN ARRAY definitions LOOP
      EXECUTE definition;
    END LOOP;
  END LOOP;
END
$plain$;
ALTER TABLE sending_leftout ADD CONSTRAINT left_out_address_once
  UNIQUE USING INDEX left_out_address_once;
ALTER TABLE sending_streamitem ADD CONSTRAINT stream_item_once UNIQUE USING INDEX stream_item_once
"""

# bit_or for "at least so many": the bits that are set in so many of the rows.
AT_LEAST = """
CREATE FUNCTION sending_at_least_next(state bit(4096)[], bits bit(4096), times int)
RETURNS bit(4096)[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $next$
BEGIN
  -- state[n]: the bits set in n of the rows so far.
  state := coalesce(state, array_fill(0::bit(4096), ARRAY[times]));
  FOR n IN REVERSE times..2 LOOP
    state[n] := state[n] | (state[n - 1] & bits);
  END LOOP;
  state[1] := state[1] | bits;
  RETURN state;
END
$next$;
CREATE FUNCTION sending_at_least_last(state bit(4096)[]) RETURNS bit(4096)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $last$ SELECT state[cardinality(state)] $last$;
CREATE AGGREGATE sending_at_least(bit(4096), int) (
  SFUNC = sending_at_least_next, STYPE = bit(4096)[], FINALFUNC = sending_at_least_last,
  PARALLEL = SAFE);
"""


class Migration(migrations.Migration):
    dependencies = [("sending", "0001_initial")]

    operations = [
        migrations.RunSQL(
            FUNCTIONS,
            "DROP FUNCTION sending_make_block; DROP FUNCTION sending_next_message_id CASCADE",
        ),
        migrations.RunSQL(PARENTS, PLAIN),
        migrations.RunSQL(
            AT_LEAST,
            "DROP AGGREGATE sending_at_least(bit, int); DROP FUNCTION sending_at_least_next;"
            " DROP FUNCTION sending_at_least_last",
        ),
        # A batch's ids are written once and read twice within a second: to compress them costs more
        # than it saves.
        migrations.RunSQL(
            "ALTER TABLE sending_batch ALTER COLUMN ids SET STORAGE EXTERNAL",
            "ALTER TABLE sending_batch ALTER COLUMN ids SET STORAGE EXTENDED",
        ),
    ]
