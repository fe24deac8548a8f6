from django.db import migrations, models


class Migration(migrations.Migration):
    """When a person last had failed messages of a mailing tried again."""

    dependencies = [("sending", "0008_holds")]

    operations = [
        migrations.AddField(
            model_name="mailing",
            name="retried_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
