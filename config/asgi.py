"""The ASGI application that granian serves."""

from django.conf import settings

from config.serving import Bridge
from config.wsgi import application as wsgi

application = Bridge(wsgi, largest=settings.IMPORT_MAX_BYTES)
