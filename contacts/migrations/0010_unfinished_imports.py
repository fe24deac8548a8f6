from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # An index that is built concurrently stops no writes, and can't be built in a transaction.
    atomic = False

    dependencies = [("contacts", "0005_list_former_names")]

    operations = [
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(
                condition=models.Q(("state__in", ["uploading", "ready"])),
                fields=["workspace"],
                include=("size",),
                name="import_unfinished",
            ),
        ),
    ]
