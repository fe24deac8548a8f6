"""Forms: made, changed, and whether they take sign-ups."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts.models import Attribute, List
from contacts.services.listdeleting import ListUse
from signups.fieldvalues import NO_FIELD
from signups.formfields import FormField, read
from signups.models import SignupForm, SignupRules
from signups.services import mails

# Why a form takes no sign-ups; codes of pages.reasons.
OFF, NO_LIST, NO_ROUTE, NO_SENDER = (
    "signup_form_off",
    "signup_no_list",
    "signup_no_route",
    "signup_no_sender",
)


@transaction.atomic
def create(
    workspace: Workspace, *, lists: Sequence[List], by: User | None, **values: Any
) -> SignupForm:
    form = SignupForm.objects.create(workspace=workspace, created_by=by, **values)
    form.lists.set(lists)
    return form


@transaction.atomic
def change(form: SignupForm, *, lists: Sequence[List], **values: Any) -> None:
    """If it can't send any more, or is off, its streams end: they would keep their relay from being
    archived."""
    for name, value in values.items():
        setattr(form, name, value)
    form.save(update_fields=list(values))
    form.lists.set(lists)
    if not form.active:
        mails.close(form)
    mails.close_other_routes(form)


@transaction.atomic
def toggle(form: SignupForm) -> bool:
    """Switch it on or off; True: it is on now."""
    form.active = not form.active
    form.save(update_fields=["active"])
    if not form.active:
        mails.close(form)
    return form.active


def is_double(form: SignupForm) -> bool:
    """Whether people confirm by mail: one of its lists wants it."""
    return any(one.double_opt_in for one in rules_of(lists_of(form)))


def closed_because(form: SignupForm) -> str:
    """Why it takes no sign-ups: a code of pages.reasons; "": it takes them."""
    if not form.active:
        return OFF
    if not form.workspace.from_email:
        return NO_SENDER
    if not has_route(form):
        return NO_ROUTE
    return "" if lists_of(form) else NO_LIST


def has_route(form: SignupForm) -> bool:
    if form.pool is not None:
        members = form.pool.members.filter(relay__archived_at=None)
        return members.exists()
    return form.relay is not None and form.relay.archived_at is None


def lists_of(form: SignupForm) -> list[List]:
    """Those in use, by name."""
    return list(form.lists.filter(archived_at=None).order_by("name"))


def rules_of(lists: Sequence[List]) -> list[SignupRules]:
    """One for each list, in their order; lists without a row have the defaults."""
    known = SignupRules.objects.select_related("confirmation_design", "welcome_design").in_bulk(
        [one.pk for one in lists]
    )
    return [known.get(one.pk) or SignupRules(list=one) for one in lists]


def fields_of(form: SignupForm) -> list[tuple[FormField, Attribute | None]]:
    """Its fields with their attributes, without those whose attribute was deleted, or can't be a
    field."""
    fields = read(form.fields)
    own = Attribute.objects.filter(workspace=form.workspace_id).exclude(type=NO_FIELD)
    known = {one.key: one for one in own}
    return [
        (field, known.get(field.attribute))
        for field in fields
        if not field.attribute or field.attribute in known
    ]


def using_list(one: List) -> list[ListUse]:
    """Forms that name the list, for contacts.services.listdeleting. They go on with their others; a
    form without lists is closed."""
    text = _("Form “{name}”")
    forms = SignupForm.objects.filter(lists=one).order_by("name")
    return [
        ListUse(text.format(name=row.name), "signup_form", row.pk, refuses=False) for row in forms
    ]
