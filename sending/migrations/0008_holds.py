import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Refusals are counted by lane and relay; what a run of them stopped, and what a person decided."""

    dependencies = [
        ('sending', '0007_silence'),
    ]

    operations = [
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('lane', 'Lane'), ('route', 'Route'), ('relay', 'Relay'), ('mailing', 'Mailing')], max_length=7)),
                ('lane', models.CharField(blank=True, max_length=253)),
                ('lane_number', models.SmallIntegerField(default=0)),
                ('reason', models.CharField(max_length=30)),
                ('words', models.TextField(blank=True)),
                ('refused', models.IntegerField(default=0)),
                ('decided', models.IntegerField(default=0)),
                ('since', models.DateTimeField()),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('until', models.DateTimeField(null=True)),
                ('released_at', models.DateTimeField(null=True)),
                ('decision', models.CharField(blank=True, choices=[('retried', 'Retried'), ('kept', 'Kept'), ('dropped', 'Dropped')], max_length=7)),
                ('told_at', models.DateTimeField(null=True)),
                ('mailing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='sending.mailing')),
                ('relay', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='sending.relay')),
            ],
        ),
        migrations.CreateModel(
            name='RefusalCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lane', models.CharField(max_length=253)),
                ('accepted', models.FloatField(default=0)),
                ('refused', models.FloatField(default=0)),
                ('blamed', models.FloatField(default=0)),
                ('unproven', models.IntegerField(default=0)),
                ('began_at', models.DateTimeField()),
                ('mailing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refusal_counts', to='sending.mailing')),
                ('relay', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refusal_counts', to='sending.relay')),
            ],
        ),
        migrations.DeleteModel(
            name='Refusals',
        ),
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(condition=models.Q(('told_at', None)), fields=['at'], name='hold_to_tell'),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.UniqueConstraint(condition=models.Q(('released_at', None)), fields=('mailing', 'kind', 'relay', 'lane'), name='hold_once'),
        ),
        migrations.AddConstraint(
            model_name='refusalcount',
            constraint=models.UniqueConstraint(fields=('mailing', 'relay', 'lane'), name='refusal_count_once'),
        ),
    ]
