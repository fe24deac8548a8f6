import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("sending", "0011_left_out_and_bounce_counts"),
    ]

    operations = [
        migrations.AddField(
            "bouncemailbox", "flood_told_at", models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField("bouncemail", "decided_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "bouncemail",
            "decided_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "bouncemail",
            "state",
            models.CharField(
                choices=[
                    ("stored", "Stored"),
                    ("processed", "Processed"),
                    ("unproven", "Unproven"),
                    ("dismissed", "Dismissed"),
                    ("not_ours", "Not ours"),
                    ("failed", "Could not be read"),
                ],
                default="stored",
                max_length=9,
            ),
        ),
        migrations.AddIndex(
            "bouncemail",
            models.Index(
                condition=models.Q(("state", "unproven")),
                fields=["mailbox", "collected_at"],
                name="bounce_mail_unproven",
            ),
        ),
    ]
