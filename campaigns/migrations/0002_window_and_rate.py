from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0001_initial"),
        ("sending", "0003_engine"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="window",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="campaign",
            name="per_minute",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="messages a minute"
            ),
        ),
    ]
