import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


# Whoever waits is tried again when due; what a worker held when this version was installed, while no
# worker ran, is unknown.
MOVE = """
UPDATE sending_message SET retry_at = due_at WHERE state = 0;
WITH lost AS (
  UPDATE sending_message SET state = 5, reason = 'worker_lost', settled_at = now()
   WHERE state = 1 RETURNING mailing_id),
counted AS (SELECT mailing_id, count(*) AS n FROM lost GROUP BY 1)
UPDATE sending_tally t SET in_flight = in_flight - n, unknown = unknown + n
  FROM counted c WHERE c.mailing_id = t.mailing_id;
DELETE FROM sending_batch;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sending", "0002_relay_state_since"),
    ]

    operations = [
        migrations.CreateModel(
            name="Lane",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=253)),
                ("rate", models.FloatField(null=True)),
                ("ceiling", models.FloatField(null=True)),
                ("steady", models.FloatField(default=0)),
                ("seen_at", models.DateTimeField(null=True)),
                ("closed_until", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=30)),
                ("words", models.TextField(blank=True)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("half_open", models.BooleanField(default=False)),
                ("next_slot_at", models.DateTimeField(null=True)),
                ("latency", models.FloatField(null=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="MailingLane",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lane", models.SmallIntegerField()),
                ("first_id", models.BigIntegerField()),
                ("next_id", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("targeted", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="RelayMinute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("minute", models.DateTimeField()),
                ("meaning", models.CharField(max_length=20)),
                ("count", models.IntegerField(default=0)),
                ("seconds", models.FloatField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name="batch",
            name="epoch",
            field=models.IntegerField(default=0),
        ),
        migrations.AddField(
            model_name="batch",
            name="ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="mailing",
            name="next_slot_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="mailing",
            name="per_minute",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="mailing",
            name="priority",
            field=models.SmallIntegerField(default=10),
        ),
        migrations.AddField(
            model_name="mailing",
            name="window",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="message",
            name="lane",
            field=models.SmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="message",
            name="retry_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.RemoveIndex(
            model_name="message",
            name="message_due",
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="message_in_flight",
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="message_not_accepted",
        ),
        migrations.RemoveField(
            model_name="message",
            name="batch_id",
        ),
        migrations.RemoveField(
            model_name="message",
            name="due_at",
        ),
        migrations.AddField(
            model_name="message",
            name="trouble",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(models.When(state__gt=2, then=models.F("state"))),
                output_field=models.SmallIntegerField(null=True),
            ),
        ),
        migrations.AddField(
            model_name="mailing",
            name="waits",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="poolmember",
            name="carried",
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name="poolmember",
            name="carried_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="poolmember",
            name="tier",
            field=models.PositiveSmallIntegerField(default=1, verbose_name="tier"),
        ),
        migrations.AddField(
            model_name="relay",
            name="chunking",
            field=models.BooleanField(default=False, verbose_name="send in chunks (BDAT)"),
        ),
        migrations.AddField(
            model_name="relay",
            name="connections_found",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="relay",
            name="connections_refused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="relay",
            name="draining_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="relay",
            name="exchange",
            field=models.CharField(blank=True, max_length=10),
        ),
        migrations.AddField(
            model_name="relay",
            name="exchange_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="relay",
            name="exchange_why",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="relay",
            name="per_minute",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="messages per minute"
            ),
        ),
        migrations.AddField(
            model_name="relay",
            name="warmup",
            field=models.JSONField(blank=True, default=dict, verbose_name="warm-up"),
        ),
        migrations.AddField(
            model_name="relay",
            name="warmup_began",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="relayslot",
            name="open",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="batch",
            name="holder",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AlterField(
            model_name="batch",
            name="leased_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="batch",
            name="relay",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="batches",
                to="sending.relay",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="state",
            field=models.SmallIntegerField(
                choices=[
                    (0, "Waiting"),
                    (2, "Accepted"),
                    (3, "Failed"),
                    (4, "Skipped"),
                    (5, "Unknown"),
                ],
                default=0,
            ),
        ),
        migrations.AlterField(
            model_name="relay",
            name="connections",
            field=models.PositiveSmallIntegerField(
                blank=True, null=True, verbose_name="connections"
            ),
        ),
        migrations.AlterField(
            model_name="relay",
            name="state",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("draining", "Draining"),
                    ("paused", "Paused"),
                    ("stopped", "Stopped"),
                ],
                default="active",
                max_length=8,
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("retry_at__isnull", False)),
                fields=["mailing", "retry_at"],
                name="message_retry",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("trouble__isnull", False)),
                fields=["mailing", "trouble", "address"],
                name="message_not_accepted",
            ),
        ),
        migrations.AddField(
            model_name="lane",
            name="relay",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lanes",
                to="sending.relay",
            ),
        ),
        migrations.AddField(
            model_name="mailinglane",
            name="mailing",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lanes",
                to="sending.mailing",
            ),
        ),
        migrations.AddField(
            model_name="relayminute",
            name="relay",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="minutes",
                to="sending.relay",
            ),
        ),
        migrations.AddConstraint(
            model_name="lane",
            constraint=models.UniqueConstraint(fields=("relay", "name"), name="lane_once"),
        ),
        migrations.AddConstraint(
            model_name="mailinglane",
            constraint=models.UniqueConstraint(
                fields=("mailing", "lane"), name="mailing_lane_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="relayminute",
            constraint=models.UniqueConstraint(
                fields=("relay", "minute", "meaning"), name="relay_minute_once"
            ),
        ),
    ]
