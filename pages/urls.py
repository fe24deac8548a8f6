"""URLs outside workspaces. Search and activity belong to a workspace; they are in config.urls."""

from django.urls import path

from pages import views

urlpatterns = [path("language/", views.switch_language, name="switch_language")]
