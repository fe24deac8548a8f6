import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sending", "0003_engine"),
    ]

    operations = [
        migrations.CreateModel(
            name="Refusals",
            fields=[
                (
                    "mailing",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="sending.mailing",
                    ),
                ),
                ("decided", models.FloatField(default=0)),
                ("refused", models.FloatField(default=0)),
                (
                    "to_tell",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), default=list, size=None
                    ),
                ),
                (
                    "told",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), default=list, size=None
                    ),
                ),
                ("words", models.TextField(blank=True)),
            ],
        ),
    ]
