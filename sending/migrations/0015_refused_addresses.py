from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0014_unproven_sources")]

    operations = [
        migrations.AddField(
            model_name="tally",
            name="unjudged_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="tally",
            index=models.Index(
                condition=models.Q(("unjudged_since__isnull", False)),
                fields=["unjudged_since"],
                name="tally_unjudged",
            ),
        ),
        migrations.RemoveField(model_name="refusalcount", name="unproven"),
    ]
