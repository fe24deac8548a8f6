from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0012_unproven")]

    operations = [
        migrations.AddField(
            model_name="relay",
            name="messages_per_connection_found",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="relay",
            name="messages_per_connection_found_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
