"""Lists know the names that they had: an older export names them so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0004_search_as_shown")]

    operations = [
        migrations.AddField(
            model_name="list",
            name="former_names",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
