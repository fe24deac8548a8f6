from django.db import migrations, models


class Migration(migrations.Migration):
    """Since when a relay's server owes an answer."""

    dependencies = [("sending", "0006_batches_as_they_are")]

    operations = [
        migrations.AddField(
            model_name="relayslot",
            name="silent_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
