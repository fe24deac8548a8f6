from django.db import migrations


class Migration(migrations.Migration):
    """A batch's ids are written once and read twice within a second: to compress them costs more
    than it saves."""

    dependencies = [("sending", "0005_room_for_updates")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE sending_batch ALTER COLUMN ids SET STORAGE EXTERNAL",
            "ALTER TABLE sending_batch ALTER COLUMN ids SET STORAGE EXTENDED",
        )
    ]
