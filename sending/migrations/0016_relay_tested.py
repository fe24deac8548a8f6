"""When a relay was last seen to work: by a test, or by a mail that it took."""

from django.db import migrations, models

# What a relay took counts as its test. One statement over the relays, not over their messages.
KNOWN = """
UPDATE sending_relay SET tested_at = created_at
 WHERE EXISTS (SELECT FROM sending_relayminute m
                WHERE m.relay_id = sending_relay.id AND m.meaning = 'accepted')
"""


class Migration(migrations.Migration):
    dependencies = (("sending", "0015_refused_addresses"),)
    operations = (
        migrations.AddField(
            model_name="relay",
            name="tested_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    )
