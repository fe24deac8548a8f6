from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0020_fence")]

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
