"""What Django has no words for: the search index, and how a file's pieces are stored."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        TrigramExtension(),
        # Part of an address or a name, in any case (contacts.queries.SEARCHED). A pending list of
        # 16 MB lets an import append instead of rewriting the index for each row.
        migrations.RunSQL(
            """
            CREATE INDEX contact_search ON contacts_contact USING gin (
                (email || ' ' || first_name || ' ' || last_name || ' ' || full_name) gin_trgm_ops
            ) WITH (fastupdate = on, gin_pending_list_limit = 16384)
            """,
            "DROP INDEX contact_search",
        ),
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
