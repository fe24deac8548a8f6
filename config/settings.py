"""All settings, read from the environment. A wrong value stops the start with a clear sentence.

`.env.example` lists every variable. `manage.py up` (quickstart) sets those of the embedded servers.
"""

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from environment import logs, readers
from environment.loading import prepare

ROOT = Path(__file__).resolve().parent.parent

# Packages without a Django app of theirs, and those that are apps.
APPS = (
    *("pages", "accounts", "contacts", "designs", "relays", "sending", "bounces", "tracking"),
    *("signups", "campaigns", "home", "sandbox", "demo", "operations"),
)
OURS = ("environment", "smtp", *APPS, "config", "quickstart")

# Here, because every program imports these settings: manage.py, the web server, Celery.
prepare()

try:
    VAR = Path(readers.text("YANSHU_VAR", str(ROOT / "var"))).absolute()
    SECRET_KEY = readers.text("YANSHU_SECRET_KEY")
    # Former keys: they still decrypt and verify older data.
    SECRET_KEY_FALLBACKS = readers.words("YANSHU_SECRET_KEY_OLD")
    DEBUG = readers.boolean("YANSHU_DEBUG", default=False)
    # The public URL of the site, used for links in mails.
    PUBLIC_URL = readers.text("YANSHU_URL", "http://127.0.0.1:8000").rstrip("/")
    # Our name in EHLO; "" means the address of each connection.
    EHLO_NAME = readers.ehlo_name("YANSHU_EHLO_NAME", PUBLIC_URL)
    ALLOWED_HOSTS = readers.words("YANSHU_HOSTS", "*")
    # The loopback relay and bounce mailbox for newcomers; 0 in production.
    SANDBOX = readers.boolean("YANSHU_SANDBOX", default=False)
    SANDBOX_SMTP_PORT = readers.integer("YANSHU_SANDBOX_SMTP_PORT", 8025, low=1, high=65535)
    SANDBOX_IMAP_PORT = readers.integer("YANSHU_SANDBOX_IMAP_PORT", 8143, low=1, high=65535)
    DATABASES: dict[str, dict[str, Any]] = {"default": readers.database("DATABASE_URL")}
    CELERY_BROKER_URL = readers.broker("CELERY_BROKER_URL")
    # Whether relays and mailboxes may have private and loopback addresses, like a company's own
    # servers. Set it to 0 if members of workspaces must not reach the private network.
    PRIVATE_SERVERS = readers.boolean("YANSHU_PRIVATE_SERVERS", default=True)
    # Private networks that contact files may be fetched from; any other private address is refused.
    FETCH_NETWORKS = readers.networks("YANSHU_FETCH_NETWORKS")
    # Timeouts of SMTP sessions with relays, in percent of the engine's own values.
    SMTP_TIMEOUTS_PERCENT = readers.integer("YANSHU_SMTP_TIMEOUTS", 100, low=1, high=1000)
    # A file of mail providers that take precedence over those of relays/providers.
    MAIL_PROVIDERS = readers.text("YANSHU_MAIL_PROVIDERS", "")
    # Whether campaigns start and are sent, and bounces are collected.
    SENDING = readers.boolean("YANSHU_SENDING", default=True)
    # The platform's own mails: smtp://user:password@host:port, smtps://…, smtp+tls://…
    MAIL_SERVER = readers.mail_server("EMAIL_URL")
    DEFAULT_FROM_EMAIL = readers.text("YANSHU_FROM_EMAIL", "Yanshu <yanshu@localhost>")
    # Largest CSV that may be imported, in bytes.
    IMPORT_MAX_BYTES = readers.integer("YANSHU_IMPORT_MAX_MB", 1024, low=1) * 1024 * 1024
    # Total bytes of a workspace's uploaded files whose import hasn't been started.
    UNFINISHED_MAX_BYTES = readers.integer("YANSHU_UNFINISHED_MB", 4096, low=1) * 1024 * 1024
    # Test mails that a person may send a day, over all workspaces.
    TEST_MAILS_PER_DAY = readers.integer("YANSHU_TEST_MAILS_PER_DAY", 100, low=0)
    # Longest query of a web request in seconds, applied by config.wsgi; 0: no limit.
    QUERY_SECONDS = readers.integer("YANSHU_QUERY_SECONDS", 30, high=3600)
    # Number of our reverse proxies that add to X-Forwarded-For: limits need the client address.
    ALLAUTH_TRUSTED_PROXY_COUNT = readers.integer("YANSHU_PROXIES", 0, high=9)
    # The operator's own rules for servers' replies; they take precedence. Read by relays.apps.
    REPLY_RULES = readers.text("YANSHU_REPLY_RULES", "")
    LOGGING: dict[str, Any] = logs.configuration(OURS)
    HTTPS = readers.boolean("YANSHU_HTTPS", default=PUBLIC_URL.startswith("https://"))
except readers.SettingError as error:
    raise SystemExit(f"Yanshu can't start: {error}") from error

DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", "5")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    *APPS,
]

MIDDLEWARE = [
    "operations.probes.middleware",
    "pages.middleware.reference_middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "pages.middleware.private_middleware",
    "pages.middleware.csp_middleware",
    "pages.wellformed.WellFormedMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pages.middleware.language_middleware",
    "pages.middleware.user_middleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "pages.interruptions.InterruptionsMiddleware",
    "pages.middleware.htmx_middleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.tz",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pages.context.shell",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People -----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
# A link to choose a new password works for an hour; a session for two weeks.
PASSWORD_RESET_TIMEOUT = 3600
SESSION_COOKIE_AGE = 14 * 24 * 3600
# We use only log-in, log-out and password reset of allauth (accounts.urls): no sign-up.
ACCOUNT_ADAPTER = "accounts.entrance.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
# An address without an account gets no mail when somebody enters it.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "reset_password": "accounts.forms.ResetForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
}
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    # accounts.throttles has the limits for one account, with the reasons.
    "reset_password": "20/m/ip",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
}

# Shared by all web hosts without a Redis server. Rate limits count here.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "pages_cache",
        # High enough that an attacker can't evict the count of a rate limit by adding entries.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# The platform's own mails (accounts.notices) go to the sandbox if no mail server is set.
EMAIL_HOST = MAIL_SERVER.host or ("127.0.0.1" if SANDBOX else "")
EMAIL_PORT = MAIL_SERVER.port if MAIL_SERVER.host else SANDBOX_SMTP_PORT
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER.user, MAIL_SERVER.password
EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL_SERVER.ssl, MAIL_SERVER.tls
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = (
    "accounts.mailbackend.EmailBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.console.EmailBackend"
)

# Language and time ------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
# Our catalogues take precedence over those of allauth and Django, which contain some of our words
# ("Phone"). smtp has strings, too, but is no Django app.
LOCALE_PATHS = [ROOT / app / "locale" for app in ("smtp", *INSTALLED_APPS) if (ROOT / app).is_dir()]
TIME_ZONE = "UTC"
USE_TZ = True

# Files ------------------------------------------------------------------------------------------
STATIC_URL = "static/"
# Served from their folders, without collectstatic. Built files have a hash in their name.
STATICFILES_DIRS = [path for path in [ROOT / "frontend" / "dist"] if path.exists()]
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"-[A-Z0-9]{8}\.(js|css|svg)$"

# Security ---------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "pages.views.csrf_failed"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# Celery: the database has the state, the broker only triggers work, so results are not kept. -----
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "work"
# Ticks must never wait behind work. A task without a route goes to the queue `work`.
CELERY_TASK_ROUTES = {
    **{
        task: {"queue": "control"}
        for task in (
            "accounts.tasks.erase_deleted",
            "campaigns.tasks.start_due",
            "contacts.tasks.start_scheduled",
            "contacts.tasks.sweep_imports",
            "contacts.tasks.sweep_jobs",
            "operations.tasks.beat_lives",
            "operations.tasks.forget_dead",
            "operations.tasks.watch_queues",
            "bounces.tasks.collect_due",
            "sending.tasks.engine.begin_block",
            "sending.tasks.engine.dispatch",
            "sending.tasks.engine.forget_old",
            "sending.tasks.engine.freeze",
            "sending.tasks.engine.sweep",
            "tracking.tasks.record_hits",
        )
    },
    "sending.tasks.engine.deliver": {"queue": "send"},
    # These tasks wait for foreign servers, so nothing else may wait behind them.
    "bounces.tasks.collect_mailbox": {"queue": "mailboxes"},
    "contacts.tasks.fetch_scheduled": {"queue": "mailboxes"},
    "contacts.tasks.look_up_domains": {"queue": "mailboxes"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A worker survives a missing broker or database: it tries again for ever.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 5
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# Limits how long a web request waits for an unavailable broker when it queues a task.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.1}
if CELERY_BROKER_URL.startswith(("redis", "valkey")):
    # Redis has no acknowledgements: the task of a killed worker is delivered again after this time.
    # It is an hour, so that long imports don't run twice. Sweepers find lost work sooner.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 3600,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 30,
    }
CELERY_TIMEZONE = "UTC"

# Log lines: environment.logs makes them, config.logs leaves some out ------------------------------
LOGGING["filters"] = {
    "probes": {"()": "config.logs.ProbeFilter"},
    "away": {"()": "config.logs.AwayFilter"},
    "refusal": {"()": "config.logs.RefusalFilter"},
}
LOGGING["handlers"]["stderr"]["filters"] = ["refusal"]
LOGGING["loggers"] |= {
    "django.request": {"filters": ["probes"]},
    # Ticks run each second, so only their problems are logged.
    **{name: {"level": "WARNING"} for name in ("celery.beat", "celery.worker.strategy")},
    "celery.app.trace": {"level": "WARNING", "filters": ["away"]},
    # After an outage of the broker, their other lines repeat for each message.
    **{
        name: {"level": "WARNING"}
        for name in (
            "celery.worker.consumer.consumer",
            "celery.worker.consumer.mingle",
            "celery.worker.request",
            "kombu.transport.virtual.base",
        )
    },
}
