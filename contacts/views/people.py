"""People: bulk actions of the table, one person's page, and the form."""

from collections.abc import Callable, Iterator
from itertools import chain

from django.contrib import messages
from django.core import signing
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import provenance, sources, timeline
from contacts.forms import ContactForm
from contacts.models import (
    Attribute,
    Contact,
    List,
    Subscription,
    Suppression,
)
from contacts.preferencemodels import MailFrequency
from contacts.provenance import Source
from contacts.queries import formeraddresses, mailable
from contacts.queries import people as people_query
from contacts.services import contacts as contact_service
from contacts.services import jobs, tagwords
from contacts.services import lists as list_service
from contacts.services import suppressions as suppression_service
from contacts.services import tags as tag_service
from contacts.views import openconsent
from contacts.views.jobs import in_background
from contacts.views.tags import CONTACT, kept, typed_tags
from pages import locales, numbers, overtaken, tables, toasts

UNDO_SALT = "contacts.undo"
# Former addresses that a contact's page shows, the latest first.
FORMER = 10


def csv_response(filename: str, content: Iterator[bytes]) -> StreamingHttpResponse:
    """Reads the first piece at once: an error in it, such as a query that takes too long, becomes a
    page that says so."""
    first = next(content, b"")
    response = StreamingHttpResponse(
        chain((first,), content), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    # Personal data must stay in no cache, neither on the way nor in the browser.
    response["Cache-Control"] = "private, no-store"
    return response


# Bulk actions ------------------------------------------------------------------------------------


@require_POST
def contacts_bulk(request: WorkspaceRequest) -> HttpResponseBase:
    """add, remove (with `list`), tag, untag (with `tag_name`), suppress, delete: on the ticked ones
    or on the whole result."""

    def filtered(parameters: QueryDict) -> QuerySet[Contact]:
        return people_query.filtered(request.workspace, parameters)

    people = tables.selected(request, filtered)
    actions: dict[str, Callable[[WorkspaceRequest, QuerySet[Contact]], None]] = {
        "add": _add,
        "remove": _remove,
        "tag": _tag,
        "untag": _untag,
        "suppress": _suppress,
        "delete": _delete,
    }
    action = actions.get(request.POST.get("action", ""))
    if action is None:
        raise BadRequest
    if jobs.is_large(people):
        return _bulk_job(request)
    if people.exists():
        action(request, people)
    else:
        messages.info(request, _("Choose people first."))
    back = reverse("contacts", args=[request.workspace.slug])
    query = request.POST.get("query", "")
    return redirect(f"{back}?{query}" if query else back)


# {action of a button: the kind of job that does it for many people}
JOBS = {
    "add": "subscribe",
    "remove": "remove",
    "tag": "tag",
    "untag": "untag",
    "suppress": "suppress",
    "delete": "delete",
}


def _bulk_job(request: WorkspaceRequest) -> HttpResponseBase:
    """Starts a job for the action on the whole result."""
    action = request.POST["action"]
    given: dict[str, int | str] = {"query": request.POST.get("query", "")}
    if action in {"add", "remove"}:
        target = _chosen_list(request)
        if target is None:
            return redirect(_page_before(request))
        given |= {"list": target.pk, "name": target.name}
    each = [given]
    if action in {"tag", "untag"}:
        tags = typed_tags(request, make=action == "tag")
        if not tags:
            return redirect(_page_before(request))
        each = [given | {"tag": tag.pk, "name": tag.name} for tag in tags]
    last = jobs.highest(Contact.objects.filter(workspace=request.workspace))
    for one in each:
        job = jobs.start(request.workspace, JOBS[action], one, by=request.user, last=last)
    return in_background(request, job)


def _chosen_list(request: WorkspaceRequest) -> List | None:
    number = numbers.whole(request.POST.get("list", ""))
    if number is not None:
        return get_in(request.workspace, List, pk=number)
    messages.error(request, _("Choose a list first."))
    return None


def _add(request: WorkspaceRequest, people: QuerySet[Contact]) -> None:
    if target := _chosen_list(request):
        source = provenance.one_action()
        added = list_service.subscribe(target, people, source=source)
        text = ngettext(
            "{count} contact added to {list}.", "{count} contacts added to {list}.", added
        ).format(count=locales.number(added), list=target.name)
        if added:
            toasts.undo(request, text, _undo_url(request, "subscribe", source))
        else:
            messages.info(request, _("They are all on {list} or have left it.").format(list=target))


def _remove(request: WorkspaceRequest, people: QuerySet[Contact]) -> None:
    if target := _chosen_list(request):
        removed = list_service.remove(target, people)
        text = ngettext(
            "{count} contact removed from {list}.", "{count} contacts removed from {list}.", removed
        )
        text = text.format(count=locales.number(removed), list=target.name)
        messages.success(request, text)


def _tag(request: WorkspaceRequest, people: QuerySet[Contact]) -> None:
    source, told = provenance.one_action(), []
    for tag in typed_tags(request, make=True):
        if added := tag_service.add(tag, people, source=source):
            told.append(tagwords.added(added, tag.name))
        else:
            messages.info(request, _("They all have the tag “{tag}” already.").format(tag=tag))
    if told:
        toasts.undo(request, " ".join(told), _undo_url(request, "tag", source))


def _untag(request: WorkspaceRequest, people: QuerySet[Contact]) -> None:
    for tag in typed_tags(request, make=False):
        removed = tag_service.remove(tag, people)
        messages.success(request, tagwords.removed(removed, tag.name))


def _suppress(request: WorkspaceRequest, people: QuerySet[Contact]) -> None:
    source = provenance.one_action()
    count = suppression_service.suppress_people(
        request.workspace,
        people,
        reason=Suppression.Reason.MANUAL,
        source=source,
        by=request.user,
    )
    text = ngettext(
        "{count} person gets no more mail.", "{count} people get no more mail.", count
    ).format(count=locales.number(count))
    if count:
        toasts.undo(request, text, _undo_url(request, "suppress", source))
    else:
        messages.info(request, _("They are all suppressed already."))


def _delete(request: WorkspaceRequest, people: QuerySet[Contact]) -> None:
    count = contact_service.delete(people)
    text = ngettext("{count} contact deleted.", "{count} contacts deleted.", count)
    messages.success(request, text.format(count=locales.number(count)))


def _undo_url(request: WorkspaceRequest, what: str, source: Source) -> str:
    token = signing.dumps([request.workspace.pk, what, source.as_json()], salt=UNDO_SALT)
    return f"{reverse('undo_contacts', args=[request.workspace.slug])}?token={token}"


@require_POST
def undo_contacts(request: WorkspaceRequest) -> HttpResponseBase:
    """Undo the bulk action in the signed token."""
    try:
        workspace_id, what, source = signing.loads(
            request.GET.get("token", ""), salt=UNDO_SALT, max_age=3600
        )
    except signing.BadSignature as error:
        raise BadRequest from error
    if workspace_id != request.workspace.pk:
        raise BadRequest
    undo = {
        "subscribe": list_service.undo_subscribe,
        "tag": tag_service.undo_add,
        "suppress": suppression_service.undo_suppress,
    }[what]
    count = undo(request.workspace, Source.from_json(source))
    text = ngettext("Undone for {count} person.", "Undone for {count} people.", count)
    messages.success(request, text.format(count=locales.number(count)))
    return redirect(_page_before(request))


def _page_before(request: WorkspaceRequest) -> str:
    """The page on which a button was pressed; the page of contacts if that is unknown."""
    before = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        before, {request.get_host()}, require_https=request.is_secure()
    )
    return before if ours else reverse("contacts", args=[request.workspace.slug])


# One person --------------------------------------------------------------------------------------


def contact(request: WorkspaceRequest, pk: int) -> HttpResponse:
    person = get_in(request.workspace, Contact, pk=pk)
    on_lists = person.subscriptions.select_related("list").order_by("list__name")
    events = timeline.entries(person)
    found = mailable.stops_of(request.workspace, [person.email])
    suppressions = found.get(person.email, [])
    tagged = list(person.tagged.select_related("tag").order_by("tag__key"))
    consent = openconsent.of(person)
    named = [event.source for event in (*events, *suppressions, *consent["open_consent"].answers)]
    context = {
        "person": person,
        "source_names": sources.names(request.workspace, [person.source, *named]),
        "frequency": MailFrequency.objects.filter(contact=person).first(),
        "former": formeraddresses.of(person)[:FORMER],
        "attributes": Attribute.objects.filter(workspace=request.workspace),
        "tagged": tagged,
        "kept": kept(request, CONTACT),
        "subscriptions": on_lists,
        "other_lists": List.objects.filter(workspace=request.workspace, archived_at=None)
        .exclude(subscriptions__contact=person)
        .order_by("name"),
        "suppressions": suppressions,
        "timeline": events,
        **consent,
    }
    return render(request, "contacts/contact.html", context)


def new_contact(request: WorkspaceRequest) -> HttpResponseBase:
    form = ContactForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        try:
            person = contact_service.create(
                request.workspace,
                email=form.cleaned_data["email"],
                known_names=form.names(),
                attributes=form.attribute_values(),
                source=provenance.BY_HAND,
            )
        except contact_service.ExistsError as error:
            url = reverse("contact", args=[request.workspace.slug, error.contact.pk])
            return render(
                request, "contacts/contact_form.html", {"form": form, "existing_url": url}
            )
        for target in form.cleaned_data["lists"]:
            list_service.subscribe(
                target, Contact.objects.filter(pk=person.pk), source=provenance.BY_HAND
            )
        messages.success(request, _("{person} was added.").format(person=person.email))
        return redirect("contact", request.workspace.slug, person.pk)
    return render(request, "contacts/contact_form.html", {"form": form})


def edit_contact(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    person = get_in(request.workspace, Contact, pk=pk)
    form = ContactForm(request.POST or None, workspace=request.workspace, contact=person)
    context = {"form": form, "person": person}
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        try:
            contact_service.update(
                person,
                email=form.cleaned_data["email"],
                known_names=form.names(),
                attributes=form.attribute_values(),
            )
        except contact_service.ExistsError as error:
            context["existing_url"] = reverse(
                "contact", args=[request.workspace.slug, error.contact.pk]
            )
            return render(request, "contacts/contact_form.html", context)
        messages.success(request, _("Saved."))
        return redirect("contact", request.workspace.slug, person.pk)
    return render(request, "contacts/contact_form.html", context)


@require_POST
def delete_contact(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    person = get_in(request.workspace, Contact, pk=pk)
    contact_service.delete(Contact.objects.filter(pk=person.pk))
    messages.success(request, _("{person} was deleted.").format(person=person.email))
    return redirect("contacts", request.workspace.slug)


@require_POST
def contact_subscription(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Put one person on a list or take them off, coming back included."""
    person = get_in(request.workspace, Contact, pk=pk)
    target = get_in(request.workspace, List, pk=request.POST.get("list") or 0)
    status = request.POST.get("status", "")
    if status not in Subscription.Status.values:
        raise BadRequest
    list_service.set_status(target, person, status=status, source=provenance.BY_HAND)
    return redirect("contact", request.workspace.slug, person.pk)


@require_POST
def suppress_contact(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    person = get_in(request.workspace, Contact, pk=pk)
    _suppress(request, Contact.objects.filter(pk=person.pk))
    return redirect("contact", request.workspace.slug, person.pk)
