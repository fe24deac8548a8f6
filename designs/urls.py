"""Pages of designs; all belong to a workspace."""

from django.urls import URLPattern

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from designs.views import converting, creating, designs, editor, previews


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


def edit(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.EDIT_DESIGNS, name=name)


urlpatterns = [
    view("designs/", designs.designs, "designs"),
    view("designs/people/", previews.design_people, "design_people"),
    edit("designs/new/", creating.new_design, "new_design"),
    edit(
        "designs/starters/<slug:key>/<slug:language>/frame/",
        creating.starter_frame,
        "starter_frame",
    ),
    view("designs/<int:pk>/", editor.design, "design"),
    edit("designs/<int:pk>/save/", editor.save_design, "save_design"),
    edit("designs/<int:pk>/convert/", converting.convert_design, "convert_design"),
    edit("designs/<int:pk>/convert/undo/", converting.undo_conversion, "undo_design_conversion"),
    view("designs/<int:pk>/problems/", editor.design_problems, "design_problems"),
    edit("designs/<int:pk>/duplicate/", designs.duplicate_design, "duplicate_design"),
    edit("designs/<int:pk>/archive/", designs.archive_design, "archive_design"),
    edit("designs/<int:pk>/restore/", designs.restore_design, "restore_design"),
    view("designs/<int:pk>/preview/", previews.design_preview, "design_preview"),
    view("designs/<int:pk>/frame/", previews.design_frame, "design_frame"),
]
