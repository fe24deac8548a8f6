from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="relay",
            name="state_since",
            field=models.DateTimeField(blank=True, null=True),
        )
    ]
