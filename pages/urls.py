"""URLs outside of a workspace. Search and activity are in config.urls: they belong to one."""

from django.urls import path

from pages import views

urlpatterns = [path("language/", views.switch_language, name="switch_language")]
