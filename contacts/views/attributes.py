"""Attributes: the workspace's own fields."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import attributewords, mergenames
from contacts.attributeforms import AttributeForm, AttributeGroupForm
from contacts.models import Attribute, Job
from contacts.queries import attributemerge as merge_query
from contacts.queries import attributeuses
from contacts.services import attributemerge
from contacts.services import attributes as service
from contacts.views.jobs import in_background
from pages import numbers, overtaken

# Attributes that one bulk action deletes, and conflicts that are shown before a merge.
MOST_AT_ONCE = 200
SHOWN = 10


def attributes(request: WorkspaceRequest) -> HttpResponse:
    own = list(Attribute.objects.filter(workspace=request.workspace))
    shares = attributeuses.shares(request.workspace.pk)
    filled = {one.key: shares.filled.get(one.key, 0) for one in own}
    context = {"attributes": own, "shares": shares, "filled": filled}
    context["has_groups"] = any(one.group for one in own)
    return render(request, "contacts/attributes.html", context)


def attribute_uses(request: WorkspaceRequest) -> HttpResponse:
    """What uses each attribute, for the cells of the page."""
    own = list(Attribute.objects.filter(workspace=request.workspace))
    found = attributeuses.uses(request.workspace, [one.key for one in own])
    rows = [(one, found[one.key]) for one in own]
    return render(request, "contacts/parts/attribute_uses.html", {"rows": rows})


def new_attribute(request: WorkspaceRequest) -> HttpResponseBase:
    initial = {"group": request.GET.get("group", "")[:100]}
    form = AttributeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        made = service.add(
            request.workspace,
            label=form.cleaned_data["label"],
            type_=form.cleaned_data["type"],
            choices=form.cleaned_data["choices"],
            group=form.cleaned_data["group"],
        )
        messages.success(request, _made(made))
        return redirect("attributes", request.workspace.slug)
    context = {"form": form, "groups": service.groups(request.workspace)}
    return render(request, "contacts/attribute_form.html", context)


def _made(made: Attribute) -> str:
    """Says which merge field it is, and why the field differs from a reserved name."""
    words = {"name": made.label, "field": "{{ " + made.key + " }}"}
    if mergenames.is_reserved(plain := made.key.removesuffix("_")):
        text = _(
            "{name} was created; in designs it is {field}, because {taken} has another meaning."
        )
        return text.format(**words, taken="{{ " + plain + " }}")
    return _("{name} was created; in designs it is {field}.").format(**words)


def edit_attribute(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Name, choices and group; merge field and type stay: mails and values depend on them."""
    attribute = get_in(request.workspace, Attribute, pk=pk)
    form = AttributeForm(request.POST or None, attribute=attribute)
    is_right = request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form)
    gone = service.without(attribute, form.cleaned_data["choices"]) if is_right else []
    # Whoever was told saves a second time.
    told = request.POST.getlist("given_up") == gone
    if is_right and not told and (having := attributeuses.having(attribute, gone)):
        form.add_error("choices", attributewords.still_had(having))
    elif is_right:
        service.change(
            attribute,
            label=form.cleaned_data["label"],
            choices=form.cleaned_data["choices"],
            group=form.cleaned_data["group"],
        )
        messages.success(request, _("Saved."))
        return redirect("attributes", request.workspace.slug)
    same = Attribute.objects.filter(workspace=request.workspace, type=attribute.type)
    context = {"form": form, "attribute": attribute, "used_by": service.used_by([attribute])}
    context["users"] = attributeuses.uses(request.workspace, [attribute.key])[attribute.key]
    context["groups"] = service.groups(request.workspace)
    context["given_up"] = gone
    context["others"] = same.exclude(pk=attribute.pk)
    return render(request, "contacts/attribute_form.html", context)


# Order and groups --------------------------------------------------------------------------------

GROUP = "group:"


@require_POST
def arrange_attributes(request: WorkspaceRequest) -> HttpResponseBase:
    """Stores the order of the page (`order`, ids). Without scripts, a button moves one attribute or
    one group: `up` or `down` is its id, or "group:" with its name."""
    # With scripts, the page is in the new order already, and htmx names the last button.
    scripted = request.headers.get("HX-Request") == "true"
    for word, step in (("up", -1), ("down", 1)):
        if not scripted and (what := request.POST.get(word, "")):
            _step(request, what, step)
            return redirect("attributes", request.workspace.slug)
    ids = [numbers.whole(one) for one in request.POST.getlist("order")]
    service.arrange(request.workspace, [one for one in ids if one is not None])
    return HttpResponse(status=204) if scripted else redirect("attributes", request.workspace.slug)


def _step(request: WorkspaceRequest, what: str, step: int) -> None:
    if what.startswith(GROUP):
        service.move_group(request.workspace, what.removeprefix(GROUP), step)
    elif (pk := numbers.whole(what)) is not None:
        service.move(get_in(request.workspace, Attribute, pk=pk), step)
    else:
        raise BadRequest


def attribute_group(request: WorkspaceRequest) -> HttpResponseBase:
    """The name of a group (`group`): changed, or removed."""
    group = request.GET.get("group", "")
    if group not in service.groups(request.workspace):
        messages.info(request, _("This group is gone: no attribute is in it any more."))
        return redirect("attributes", request.workspace.slug)
    form = AttributeGroupForm(request.POST or None, initial={"name": group})
    if request.method == "POST" and form.is_valid():
        service.rename_group(request.workspace, group, form.cleaned_data["name"])
        messages.success(request, _("Saved."))
        return redirect("attributes", request.workspace.slug)
    return render(request, "contacts/attribute_group.html", {"form": form, "group": group})


# Deleting and merging ----------------------------------------------------------------------------


@require_POST
def delete_attribute(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    return _delete(request, [get_in(request.workspace, Attribute, pk=pk)])


@require_POST
def delete_attributes(request: WorkspaceRequest) -> HttpResponseBase:
    """Asks, with numbers and what uses them, whether to delete the ticked ones (`pk`); with `sure`,
    deletes them."""
    ids = [pk for one in request.POST.getlist("pk") if (pk := numbers.whole(one)) is not None]
    own = Attribute.objects.filter(workspace=request.workspace, pk__in=ids[:MOST_AT_ONCE])
    some = list(own)
    if not some:
        messages.info(request, _("Choose attributes first."))
        return redirect("attributes", request.workspace.slug)
    if request.POST.get("sure"):
        return _delete(request, some)
    found = attributeuses.uses(request.workspace, [one.key for one in some])
    users = list(dict.fromkeys(use for one in some for use in found[one.key]))
    context = {"attributes": some, "used_by": service.used_by(some), "users": users}
    return render(request, "contacts/attributes_delete.html", context)


def _delete(request: WorkspaceRequest, some: list[Attribute]) -> HttpResponseBase:
    had = service.delete_many(request.workspace, some, by=request.user)
    if isinstance(had, Job):
        return in_background(request, had)
    messages.success(request, attributewords.deleted(had, [one.label for one in some]))
    return redirect("attributes", request.workspace.slug)


def merge_attribute(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Ask with numbers whether to merge it into the attribute `into`; by POST, do it."""
    attribute = get_in(request.workspace, Attribute, pk=pk)
    given = request.POST if request.method == "POST" else request.GET
    own = Attribute.objects.filter(workspace=request.workspace)
    into = own.filter(pk=numbers.whole(given.get("into", "")) or 0).first()
    try:
        into = attributemerge.check(attribute, into)
        if request.method == "POST":
            return _merge(request, attribute, into)
    except attributemerge.MergeError as error:
        messages.error(request, str(error))
        return redirect("edit_attribute", request.workspace.slug, attribute.pk)
    keys = request.workspace.pk, attribute.key, into.key
    context = {
        "attribute": attribute,
        "into": into,
        "counts": merge_query.counts(*keys),
        "conflicts": merge_query.conflicts(*keys, limit=SHOWN),
        "users": attributeuses.uses(request.workspace, [attribute.key])[attribute.key],
    }
    return render(request, "contacts/attribute_merge.html", context)


def _merge(request: WorkspaceRequest, attribute: Attribute, into: Attribute) -> HttpResponseBase:
    try:
        done = attributemerge.merge(attribute, into, by=request.user)
    except attributemerge.AttributeGoneError as error:
        raise Attribute.DoesNotExist from error  # answered by pages.interruptions
    if isinstance(done, Job):
        return in_background(request, done)
    messages.success(request, attributewords.merged(done, attribute.label, into.label))
    return redirect("attributes", request.workspace.slug)
