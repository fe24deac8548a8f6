import django.db.models.deletion
from django.db import migrations, models

# A message that was blocked counted as a soft bounce, and twice when it had a soft bounce, too.
# Counted anew from the events; one statement.
RECOUNT = """
UPDATE sending_tally t
   SET bounced = f.bounced, soft_bounced = f.soft, blocked = f.blocked
  FROM (SELECT mailing_id, count(DISTINCT message_id) AS bounced,
               count(DISTINCT message_id) FILTER (WHERE kind = 'soft') AS soft,
               count(DISTINCT message_id) FILTER (WHERE kind = 'blocked') AS blocked
          FROM sending_event WHERE kind IN ('hard', 'soft', 'blocked')
         GROUP BY 1) f
 WHERE t.mailing_id = f.mailing_id
"""


class Migration(migrations.Migration):
    """A row for each person left out of a mailing, and one definition of each count of bounces."""

    dependencies = [("sending", "0009_retried")]

    operations = [
        migrations.CreateModel(
            name="LeftOut",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("contact_id", models.BigIntegerField()),
                ("since", models.DateTimeField(null=True)),
                ("cause_id", models.BigIntegerField(null=True)),
                ("address", models.CharField(max_length=320)),
                ("reason", models.CharField(max_length=30)),
                (
                    "mailing",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="sending.mailing",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["mailing", "reason", "address"], name="left_out_by_reason"
                    ),
                    models.Index(fields=["contact_id"], name="left_out_by_contact"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("mailing", "address"), name="left_out_address_once"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="tally", name="bounced", field=models.IntegerField(default=0)
        ),
        migrations.AddField(
            model_name="tally", name="blocked", field=models.IntegerField(default=0)
        ),
        migrations.RunSQL(RECOUNT, migrations.RunSQL.noop),
    ]
