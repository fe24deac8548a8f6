"""What granian serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from pages.interruptions import limit_queries  # noqa: E402 - settings and apps are ready only now

limit_queries(settings.QUERY_SECONDS)
