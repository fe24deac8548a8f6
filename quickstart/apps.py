from django.apps import AppConfig


class QuickstartConfig(AppConfig):
    name = "quickstart"
