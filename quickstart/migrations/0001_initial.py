import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('name', models.CharField(max_length=200, primary_key=True, serialize=False)),
                ('queues', models.JSONField(default=list)),
                ('started_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SandboxMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('envelope_from', models.CharField(blank=True, max_length=320)),
                ('envelope_to', models.CharField(max_length=320)),
                ('subject', models.CharField(blank=True, max_length=500)),
                ('outcome', models.CharField(choices=[('delivered', 'Delivered'), ('hard', 'Hard bounce'), ('soft', 'Soft bounce'), ('blocked', 'Blocked'), ('delayed', 'Delayed'), ('complained', 'Complaint'), ('auto_reply', 'Automatic reply')], max_length=12)),
                ('raw', models.BinaryField()),
                ('received_at', models.DateTimeField()),
                ('workspace', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sandbox_mails', to='accounts.workspace')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace', '-id'], name='sandbox_mail_by_id')],
            },
        ),
        migrations.CreateModel(
            name='SandboxReturn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('folder', models.CharField(default='INBOX', max_length=200)),
                ('raw', models.BinaryField()),
                ('created_at', models.DateTimeField()),
                ('mail', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='returns', to='quickstart.sandboxmail')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sandbox_returns', to='accounts.workspace')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace', 'folder', 'id'], name='sandbox_return_uid')],
            },
        ),
    ]
