import django.db.models.deletion
import signups.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('contacts', '0002_search_and_storage'),
        ('designs', '0001_initial'),
        ('relays', '0001_initial'),
        ('sending', '0002_storage'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SignupForm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(default=signups.models.new_key, max_length=22, unique=True)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('fields', models.JSONField(blank=True, default=list)),
                ('title', models.CharField(blank=True, max_length=150, verbose_name='title')),
                ('intro', models.CharField(blank=True, max_length=1000, verbose_name='introduction')),
                ('consent', models.CharField(blank=True, max_length=1000, verbose_name='consent')),
                ('button', models.CharField(blank=True, max_length=60, verbose_name='button')),
                ('thanks', models.CharField(blank=True, max_length=1000, verbose_name='thanks')),
                ('language', models.CharField(blank=True, max_length=10, verbose_name='language')),
                ('redirect_url', models.CharField(blank=True, max_length=500, verbose_name='page afterwards')),
                ('active', models.BooleanField(default=True, verbose_name='on')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('lists', models.ManyToManyField(related_name='signup_forms', to='contacts.list')),
                ('pool', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='relays.pool')),
                ('relay', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='relays.relay')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='signup_forms', to='accounts.workspace')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('workspace', 'name'), name='signup_form_name_once'),
                    models.CheckConstraint(condition=models.Q(('relay', None), ('pool', None), _connector='OR'), name='signup_form_one_route'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Signup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=320)),
                ('list_ids', models.JSONField(default=list)),
                ('values', models.JSONField(default=dict)),
                ('consent_text', models.TextField()),
                ('language', models.CharField(max_length=10)),
                ('ip', models.GenericIPAddressField(blank=True, null=True)),
                ('user_agent', models.CharField(blank=True, max_length=500)),
                ('state', models.CharField(choices=[('unconfirmed', 'Waiting for confirmation'), ('confirmed', 'Confirmed'), ('expired', 'Not confirmed in time'), ('refused', 'Refused')], max_length=11)),
                ('reason', models.CharField(blank=True, max_length=30)),
                ('by_mail', models.BooleanField(default=True)),
                ('puzzle', models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('asked_at', models.DateTimeField(blank=True, null=True)),
                ('confirmed_at', models.DateTimeField(blank=True, null=True)),
                ('confirmed_ip', models.GenericIPAddressField(blank=True, null=True)),
                ('left_out', models.JSONField(blank=True, default=list)),
                ('was_subscribed', models.BooleanField(default=False)),
                ('was_erased', models.BooleanField(default=False)),
                ('contact', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='contacts.contact')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.workspace')),
                ('form', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='signups', to='signups.signupform')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['form', 'state', '-id'], name='signup_by_form'),
                    models.Index(fields=['workspace', 'address'], name='signup_by_address'),
                    models.Index(condition=models.Q(('state', 'confirmed'), _negated=True), fields=['created_at'], name='signup_unconfirmed'),
                ],
            },
        ),
        migrations.CreateModel(
            name='FormStream',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('confirm', 'Confirmation'), ('welcome', 'Welcome')], max_length=7)),
                ('design_id', models.BigIntegerField(default=0)),
                ('made_of', models.CharField(max_length=64)),
                ('mailing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sending.mailing')),
                ('form', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='streams', to='signups.signupform')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('form', 'kind', 'design_id'), name='form_stream_once'),
                ],
            },
        ),
        migrations.CreateModel(
            name='SignupRules',
            fields=[
                ('list', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='signup_rules', serialize=False, to='contacts.list')),
                ('double_opt_in', models.BooleanField(default=True, verbose_name='double opt-in')),
                ('welcome', models.CharField(choices=[('none', 'No mail'), ('standard', 'Our text'), ('design', 'A design')], default='none', max_length=8)),
                ('confirmation_design', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='designs.design')),
                ('welcome_design', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='designs.design')),
            ],
        ),
        migrations.CreateModel(
            name='ConfirmationMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=320)),
                ('list_ids', models.JSONField(default=list)),
                ('sent_at', models.DateTimeField(auto_now_add=True)),
                ('signup', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asked', to='signups.signup')),
            ],
            options={
                'indexes': [models.Index(fields=['address', 'sent_at'], name='confirmation_by_address')],
            },
        ),
    ]
