from django.db import migrations, models


class Migration(migrations.Migration):
    """The sources of unproven reports have a bound: of those whose source was dropped, the digest
    stays, so that the same mail is known again."""

    dependencies = [("sending", "0013_messages_per_connection_found")]

    operations = [
        migrations.AddField("bouncemail", "digest", models.BinaryField(null=True)),
        migrations.AddIndex(
            "bouncemail",
            models.Index(
                condition=models.Q(("raw__isnull", False), ("state__in", ["unproven", "dismissed"])),
                fields=["mailbox", "collected_at"],
                name="bounce_mail_unproven_source",
            ),
        ),
    ]
