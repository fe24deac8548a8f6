"""What people answered about words in status columns, and lists that an import is to make."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_workspace_deleted_at'),
        ('contacts', '0002_search_and_storage'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='import',
            name='answers',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='import',
            name='new_list',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='import',
            name='words',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='StatusWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=12)),
                ('key', models.CharField(max_length=100)),
                ('text', models.CharField(max_length=100)),
                ('meaning', models.CharField(choices=[('subscribed', 'Subscribed'), ('unsubscribed', 'Unsubscribed'), ('bounced', 'Bounced: suppress'), ('complained', 'Complained: suppress'), ('suppressed', 'Must not be mailed: suppress'), ('skip', 'Not subscribed: not on the list')], max_length=12)),
                ('answered_at', models.DateTimeField(auto_now=True)),
                ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='status_words', to='accounts.workspace')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workspace', 'kind', 'key'), name='status_word_once')],
            },
        ),
    ]
