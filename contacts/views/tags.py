"""Tags: their page, renaming, merging and deleting one, and those of one contact."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import provenance, tagnames
from contacts.forms import TagForm
from contacts.models import Contact, Job, Tag
from contacts.queries import tagging
from contacts.services import tags as service
from contacts.services import tagwords
from contacts.views.jobs import in_background
from pages import overtaken, tables

# Names that are suggested while a person types.
SUGGESTED = 50


def tags(request: WorkspaceRequest) -> HttpResponse:
    own = Tag.objects.filter(workspace=request.workspace)
    page = tables.keyset(
        own.filter(_containing(request.GET.get("q", ""))),
        request,
        # By tag_key_once.
        sorts={"name": tables.Sort("key", nullable=False)},
        default="name",
    )
    counts = tagging.counts([tag.pk for tag in page.rows])
    context = {
        "page": page,
        "rows": [(tag, counts[tag.pk]) for tag in page.rows],
        "any_tag": bool(page.rows) or own.exists(),
    }
    return render(request, "contacts/tags.html", context)


def _containing(text: str) -> Q:
    return Q(key__contains=tagnames.key_of(text[: tagnames.LONGEST]))


def tag_names(request: WorkspaceRequest) -> HttpResponse:
    """Options for what a person has typed (`tag_name`), those that begin with it first."""
    text = tagnames.key_of(request.GET.get("tag_name", "")[: tagnames.LONGEST])
    own = Tag.objects.filter(workspace=request.workspace)
    found = list(own.filter(key__startswith=text).order_by("key")[:SUGGESTED])
    if text and len(found) < SUGGESTED:
        others = own.filter(key__contains=text).exclude(key__startswith=text)
        found += others.order_by("key")[: SUGGESTED - len(found)]
    return render(request, "contacts/parts/tag_names.html", {"tags": found})


def edit_tag(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Rename it; links to merging and deleting."""
    tag = get_in(request.workspace, Tag, pk=pk)
    form = TagForm(request.POST or None, tag=tag)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        try:
            service.rename(tag, form.cleaned_data["name"])
        except service.TagError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("tags", request.workspace.slug)
    context = {"form": form, "tag": tag, "contacts": service.count(tag)}
    context["users"] = service.used_by(tag)
    return render(request, "contacts/tag_form.html", context)


def merge_tag(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Ask with numbers whether to merge it into the tag with the name `tag_name`; by POST, do
    it."""
    tag = get_in(request.workspace, Tag, pk=pk)
    given = request.POST if request.method == "POST" else request.GET
    name = given.get("tag_name", "")
    into = service.named(request.workspace, name)
    if into is None or into.pk == tag.pk:
        messages.error(request, _not_into(name, into))
        return redirect("edit_tag", request.workspace.slug, tag.pk)
    if request.method == "POST":
        try:
            done = service.merge(tag, into, by=request.user)
        except service.TagGoneError as error:
            raise Tag.DoesNotExist from error  # answered by pages.interruptions
        if isinstance(done, Job):
            return in_background(request, done)
        messages.success(request, tagwords.merged(done, tag.name, into.name))
        return redirect("tags", request.workspace.slug)
    context = {
        "tag": tag,
        "into": into,
        "contacts": service.count(tag),
        "users": service.used_by(tag),
        "both": tagging.with_both(tag, into),
    }
    return render(request, "contacts/tag_merge.html", context)


def _not_into(name: str, into: Tag | None) -> str:
    if into:
        return _("Choose another tag: this one can't be merged into itself.")
    if not name.strip():
        return _("Enter the name of the tag to merge it into.")
    return _("There is no tag {name}.").format(name=name[: tagnames.LONGEST])


@require_POST
def delete_tag(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    tag = get_in(request.workspace, Tag, pk=pk)
    done = service.delete(tag, by=request.user)
    if isinstance(done, Job):
        return in_background(request, done)
    messages.success(request, tagwords.deleted(done, tag.name))
    return redirect("tags", request.workspace.slug)


@require_POST
def contact_tags(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Add the typed tags (`tag_name`, several with commas between them) to one contact, or remove
    one (`remove`)."""
    person = get_in(request.workspace, Contact, pk=pk)
    only = Contact.objects.filter(pk=person.pk)
    if number := request.POST.get("remove"):
        tag = get_in(request.workspace, Tag, pk=number)
        service.remove(tag, only)
        return _to_contact(request, only)
    names = service.names_in(request.workspace, request.POST.get("tag_name", ""))
    try:
        for tag in service.make(request.workspace, names or [""]):
            service.add(tag, only, source=provenance.BY_HAND)
    except service.TagError as error:
        messages.error(request, str(error))
    return _to_contact(request, only)


def _to_contact(request: WorkspaceRequest, only: QuerySet[Contact]) -> HttpResponseBase:
    """To the page of the one contact. Raises DoesNotExist if it was removed meanwhile: nothing was
    tagged then, and pages.interruptions says why."""
    return redirect("contact", request.workspace.slug, only.get().pk)


def typed_tag(request: WorkspaceRequest, *, make: bool) -> Tag | None:
    """The one tag whose name was typed (`tag_name`) for a bulk action; `make`: also a new one.
    None, with a message, if there is none."""
    names = service.names_in(request.workspace, request.POST.get("tag_name", ""))
    if not names:
        messages.error(request, _("Enter a tag first."))
        return None
    if len(names) > 1:
        messages.error(request, _("These are several tags. Enter one at a time."))
        return None
    if make:
        try:
            service.make(request.workspace, names)
        except service.TagError as error:
            messages.error(request, str(error))
            return None
    tag = service.named(request.workspace, names[0])
    if tag is None:
        messages.error(request, _not_into(names[0], None))
    return tag
