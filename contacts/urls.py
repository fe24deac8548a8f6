"""Pages of contacts; all belong to a workspace, but those of the installation."""

from django.urls import URLPattern, path

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from contacts.views import (
    attributes,
    exports,
    importcolumns,
    importlines,
    imports,
    installation,
    jobs,
    lists,
    people,
    peopletable,
    savedmappings,
    savedviews,
    segments,
    suppressing,
    suppressionfiles,
    suppressions,
    tags,
    uploads,
)


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


def edit(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.EDIT_CONTACTS, name=name)


def export(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.EXPORT, name=name)


urlpatterns = [
    view("contacts/", peopletable.contacts, "contacts"),
    edit("contacts/bulk/", people.contacts_bulk, "contacts_bulk"),
    edit("contacts/undo/", people.undo_contacts, "undo_contacts"),
    edit("contacts/new/", people.new_contact, "new_contact"),
    export("contacts/export/", exports.export_contacts, "export_contacts"),
    export("contacts/export/<int:pk>/", exports.export_file, "export_file"),
    # Views and columns of their own are open to everybody; sharing needs more (contacts.forms).
    view("contacts/columns/", savedviews.people_columns, "people_columns"),
    view("contacts/views/", savedviews.saved_views, "saved_views"),
    view("contacts/views/new/", savedviews.new_view, "new_view"),
    view("contacts/views/<int:pk>/", savedviews.edit_view, "edit_view"),
    view("contacts/views/<int:pk>/keep/", savedviews.keep_view, "keep_view"),
    view("contacts/views/<int:pk>/begin/", savedviews.begin_with_view, "begin_with_view"),
    view("contacts/views/<int:pk>/delete/", savedviews.delete_view, "delete_view"),
    view("contacts/<int:pk>/", people.contact, "contact"),
    edit("contacts/<int:pk>/edit/", people.edit_contact, "edit_contact"),
    edit("contacts/<int:pk>/delete/", people.delete_contact, "delete_contact"),
    edit("contacts/<int:pk>/suppress/", people.suppress_contact, "suppress_contact"),
    edit("contacts/<int:pk>/subscription/", people.contact_subscription, "contact_subscription"),
    edit("contacts/<int:pk>/tags/", tags.contact_tags, "contact_tags"),
    view("lists/", lists.lists, "lists"),
    edit("lists/new/", lists.new_list, "new_list"),
    view("lists/<int:pk>/", lists.list_page, "list"),
    edit("lists/<int:pk>/edit/", lists.edit_list, "edit_list"),
    edit("lists/<int:pk>/archive/", lists.archive_list, "archive_list"),
    edit("lists/<int:pk>/delete/", lists.delete_list, "delete_list"),
    view("segments/", segments.segments, "segments"),
    edit("segments/new/", segments.new_segment, "new_segment"),
    edit("segments/preview/", segments.segment_preview, "segment_preview"),
    edit("segments/explain/", segments.explain_segment, "explain_segment"),
    edit("segments/ask/", segments.ask_segment, "ask_segment"),
    view("segments/<int:pk>/", segments.segment_page, "segment"),
    view("segments/<int:pk>/count/", segments.segment_count, "segment_count"),
    edit("segments/<int:pk>/edit/", segments.edit_segment, "edit_segment"),
    edit("segments/<int:pk>/restore/", segments.restore_segment, "restore_segment"),
    edit("segments/<int:pk>/delete/", segments.delete_segment, "delete_segment"),
    view("attributes/", attributes.attributes, "attributes"),
    edit("attributes/new/", attributes.new_attribute, "new_attribute"),
    edit("attributes/<int:pk>/edit/", attributes.edit_attribute, "edit_attribute"),
    edit("attributes/<int:pk>/move/", attributes.move_attribute, "move_attribute"),
    edit("attributes/<int:pk>/delete/", attributes.delete_attribute, "delete_attribute"),
    view("tags/", tags.tags, "tags"),
    view("tags/names/", tags.tag_names, "tag_names"),
    edit("tags/<int:pk>/edit/", tags.edit_tag, "edit_tag"),
    edit("tags/<int:pk>/merge/", tags.merge_tag, "merge_tag"),
    edit("tags/<int:pk>/delete/", tags.delete_tag, "delete_tag"),
    view("imports/", imports.import_list, "imports"),
    edit("imports/new/", uploads.new_import, "new_import"),
    edit("imports/begin/", uploads.begin_import, "begin_import"),
    view("imports/mappings/", savedmappings.saved_mappings, "saved_mappings"),
    edit("imports/mappings/<int:pk>/", savedmappings.edit_mapping, "edit_mapping"),
    edit("imports/mappings/<int:pk>/delete/", savedmappings.delete_mapping, "delete_mapping"),
    view("imports/<int:pk>/", imports.import_page, "import"),
    edit("imports/<int:pk>/piece/", uploads.import_piece, "import_piece"),
    edit("imports/<int:pk>/uploaded/", uploads.import_uploaded, "import_uploaded"),
    edit("imports/<int:pk>/columns/", importcolumns.import_columns, "import_columns"),
    edit("imports/<int:pk>/draft/", importcolumns.import_draft, "import_draft"),
    edit("imports/<int:pk>/sheet/", importcolumns.import_sheet, "import_sheet"),
    edit("imports/<int:pk>/check/", imports.import_check, "import_check"),
    edit("imports/<int:pk>/check/hints/", importlines.import_hints, "import_hints"),
    edit("imports/<int:pk>/check/lines/", importlines.checked_lines, "checked_lines"),
    edit("imports/<int:pk>/words/", imports.import_words, "import_words"),
    edit("imports/<int:pk>/again/", imports.import_again, "import_again"),
    edit("imports/<int:pk>/start/", imports.start_import, "start_import"),
    view("imports/<int:pk>/progress/", imports.import_progress, "import_progress"),
    edit("imports/<int:pk>/cancel/", imports.cancel_import, "cancel_import"),
    edit("imports/<int:pk>/undo/", imports.undo_import, "undo_import"),
    view("imports/<int:pk>/lines/", imports.import_lines, "import_lines"),
    view("imports/<int:pk>/duplicates/", importlines.import_duplicates, "import_duplicates"),
    view("imports/<int:pk>/stayed/", importlines.import_stayed, "import_stayed"),
    export("imports/<int:pk>/rejects.csv", imports.import_rejects, "import_rejects"),
    view("contacts/jobs/<int:pk>/", jobs.job_page, "job"),
    edit("contacts/jobs/<int:pk>/cancel/", jobs.cancel_job, "cancel_job"),
    edit("contacts/jobs/<int:pk>/undo/", jobs.undo_job, "undo_job"),
    edit("contacts/jobs/<int:pk>/go-on/", jobs.go_on_with_job, "go_on_with_job"),
    view("suppressions/", suppressions.suppressions, "suppressions"),
    export("suppressions/export/", suppressions.export_suppressions, "export_suppressions"),
    edit("suppressions/add/", suppressing.add_suppressions, "add_suppressions"),
    edit("suppressions/added/undo/", suppressing.undo_added, "undo_added"),
    view("suppressions/why/", suppressing.why_no_mail, "why_no_mail"),
    view("suppressions/<int:pk>/", suppressing.suppression, "suppression"),
    edit("suppressions/<int:pk>/edit/", suppressing.edit_suppression, "edit_suppression"),
    edit("suppressions/import/", suppressionfiles.import_suppressions, "import_suppressions"),
    edit("suppressions/import/<int:pk>/", suppressionfiles.suppression_file, "suppression_file"),
    edit(
        "suppressions/import/<int:pk>/start/",
        suppressionfiles.start_suppression_file,
        "start_suppression_file",
    ),
    edit("suppressions/lift/", suppressions.lift_suppressions, "lift_suppressions"),
    edit("suppressions/undo/", suppressions.undo_lift, "undo_lift"),
    path(
        "installation/suppressions/",
        installation.installation_suppressions,
        name="installation_suppressions",
    ),
    path(
        "installation/suppressions/add/",
        installation.add_installation_suppressions,
        name="add_installation_suppressions",
    ),
    path(
        "installation/suppressions/<int:pk>/lift/",
        installation.lift_installation_suppression,
        name="lift_installation_suppression",
    ),
    path(
        "installation/suppressions/undo/",
        installation.undo_installation_suppressions,
        name="undo_installation_suppressions",
    ),
    path(
        "installation/suppressions/export/",
        installation.export_installation_suppressions,
        name="export_installation_suppressions",
    ),
]
