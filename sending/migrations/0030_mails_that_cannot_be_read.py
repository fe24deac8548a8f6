from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0013_messages_per_connection_found")]

    operations = [
        migrations.AddField(
            model_name="bouncemailbox",
            name="stuck_until",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="bouncemailbox",
            name="stuck_tries",
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
