"""Tags: their page, renaming, merging and deleting one, and those of one contact."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import provenance, tagnames
from contacts.forms import TagForm
from contacts.models import Contact, Job, Tag
from contacts.queries import tagging
from contacts.services import tags as service
from contacts.services import tagwords
from contacts.views.jobs import in_background
from pages import locales, overtaken, tables

# Names that are suggested while a person types.
SUGGESTED = 50
# Characters of a refused text that are kept.
KEPT = 2_000


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
    # Nobody is to join those whose tag keeps the people of a segment.
    own = Tag.objects.filter(workspace=request.workspace, keeps=False)
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
    if into is None or into.pk == tag.pk or into.keeps:
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
    if into and into.keeps:
        return _("Choose another tag: this one keeps the people of a segment as they were.")
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
    text = request.POST.get("tag_name", "")
    names = service.names_in(request.workspace, text)
    fit = [name for name in names if not tagnames.is_too_long(name)]
    kept = [name for name in names if tagnames.is_too_long(name)]
    try:
        for tag in service.make(request.workspace, fit or [""]) if fit or not kept else ():
            service.add(tag, only, source=provenance.BY_HAND)
    except service.TagError as error:
        messages.error(request, str(error))
        kept = names
    else:
        if kept:
            messages.error(request, _too_long(kept))
    keep(request, CONTACT, tagnames.written(kept))
    return _to_contact(request, only)


def _too_long(names: list[str]) -> str:
    """`names`: which were not added."""
    quoted = locales.listed([_("“{text}”").format(text=Truncator(one).chars(40)) for one in names])
    text = ngettext(
        "A tag has at most 100 characters. This one was not added: {tags}",
        "A tag has at most 100 characters. These were not added: {tags}",
        len(names),
    )
    return text.format(tags=quoted)


# Fields of tags whose text was refused, for the page that is shown next.
CONTACT, BULK = "tags_of_contact", "tags_of_many"


def keep(request: WorkspaceRequest, field: str, text: str, ticked: list[str] | None = None) -> None:
    """Text that was refused, with the contacts that were ticked (pages have at most 100)."""
    if text or ticked:
        request.session[field] = {"text": text[:KEPT], "ticked": (ticked or [])[:100]}


def kept(request: WorkspaceRequest, field: str) -> dict[str, Any]:
    """What was kept, once."""
    return request.session.pop(field, {}) if field in request.session else {}


def _to_contact(request: WorkspaceRequest, only: QuerySet[Contact]) -> HttpResponseBase:
    """To the page of the one contact. Raises DoesNotExist if it was removed meanwhile: nothing was
    tagged then, and pages.interruptions says why."""
    return redirect("contact", request.workspace.slug, only.get().pk)


def typed_tags(request: WorkspaceRequest, *, make: bool) -> list[Tag]:
    """The tags whose names were typed (`tag_name`) for a bulk action; `make`: also new ones. If one
    can't be used: [], with a message, and the page keeps what was typed and ticked."""
    text = request.POST.get("tag_name", "")
    names = service.names_in(request.workspace, text)
    try:
        if make and names:
            return service.make(request.workspace, names)
        return [_known(request, name) for name in names[: tagnames.MOST_A_ROW] or [""]]
    except service.TagError as error:
        messages.error(request, str(error))
        keep(request, BULK, text, request.POST.getlist("pk"))
        return []


def _known(request: WorkspaceRequest, name: str) -> Tag:
    """Raises TagError."""
    if not name:
        raise service.TagError(_("Enter a tag first."))
    tag = service.named(request.workspace, name)
    if tag is None:
        raise service.TagError(_not_into(name, None))
    return tag
