"""What a sign-up changes: contact, subscriptions, a suppression that the person made, a welcome."""

from enum import Enum

from django.db import transaction
from django.utils import timezone

from contacts.languages import ATTRIBUTE as LANGUAGE
from contacts.models import Attribute, Contact, List, Suppression
from contacts.queries import mailable
from contacts.services import contacts, lists, suppressions
from signups import links, sources
from signups.formfields import ATTRIBUTE, NAMES
from signups.models import Signup, SignupRules
from signups.services import asking, forms, mails

State = Signup.State
Welcome = SignupRules.Welcome


class Answer(Enum):
    """What became of a click on "confirm"."""

    DONE = "done"
    EXPIRED = "expired"
    # Mail to the address is suppressed, and not by its own unsubscription.
    CANNOT = "cannot"


def grave(stops: list[Suppression]) -> Suppression | None:
    """The first suppression that no sign-up lifts: any but the person's own unsubscription."""
    return next((one for one in stops if not is_own_wish(one)), None)


def is_own_wish(one: Suppression) -> bool:
    """Whether the person asked for it by unsubscribing: only then the person may take it back."""
    return (
        one.reason == Suppression.Reason.UNSUBSCRIBED
        and one.kind == Suppression.Kind.ADDRESS
        and not one.everywhere
    )


def has_expired(signup: Signup) -> bool:
    if signup.state == State.EXPIRED:
        return True
    begun = signup.asked_at or signup.created_at
    return signup.state == State.WAITING and begun < timezone.now() - links.HOLDS


@transaction.atomic
def confirm(signup_id: int, *, ip: str | None) -> tuple[Signup, Answer]:
    """By the link in the mail, so the address is the person's. Safe to do twice: a second time
    changes nothing. Raises Signup.DoesNotExist."""
    signup = Signup.objects.select_for_update(of=("self",)).get(pk=signup_id)
    if signup.state == State.CONFIRMED:
        return signup, Answer.DONE
    if has_expired(signup):
        return signup, Answer.EXPIRED
    if signup.state == State.REFUSED:
        return signup, Answer.CANNOT
    stops = mailable.stops_of(signup.workspace, [signup.address]).get(signup.address, [])
    if (stop := grave(stops)) is not None:
        signup.state, signup.reason = State.REFUSED, mailable.code_of(stop)
        signup.save(update_fields=["state", "reason"])
        return signup, Answer.CANNOT
    contact = _contact(signup, proven=True)
    wishes = Suppression.objects.filter(pk__in=[one.pk for one in stops])
    # Source and reason stay with the lifted row.
    suppressions.lift_many(wishes, None, timezone.now())
    joined = lists.opt_in(contact, signup.list_ids, source=sources.of(signup.form))
    _finish(signup, contact, joined, ip=ip)
    return signup, Answer.DONE


@transaction.atomic
def ask_again(signup_id: int) -> bool:
    """Another mail for a sign-up whose link is too old. False: none was ordered."""
    signup = Signup.objects.select_for_update(of=("self",)).get(pk=signup_id)
    if not has_expired(signup):
        return False
    stops = mailable.stops_of(signup.workspace, [signup.address]).get(signup.address, [])
    return grave(stops) is None and asking.ask(signup)


@transaction.atomic
def subscribe_at_once(signup: Signup) -> None:
    """Single opt-in: nothing proves that the address is the person's. So what is known of a contact
    stays, and so does a subscription that there is."""
    contact = _contact(signup, proven=False)
    joined = {
        one.pk
        for one in List.objects.filter(workspace=signup.workspace_id, pk__in=signup.list_ids)
        if lists.subscribe(
            one,
            Contact.objects.filter(pk=contact.pk),
            source=sources.of(signup.form),
            consent="explicit",
        )
    }
    signup.by_mail = False
    _finish(signup, contact, joined, ip=signup.ip)


def _finish(signup: Signup, contact: Contact, joined: set[int], *, ip: str | None) -> None:
    signup.state, signup.contact = State.CONFIRMED, contact
    signup.confirmed_at, signup.confirmed_ip = timezone.now(), ip
    signup.save(update_fields=["state", "contact", "confirmed_at", "confirmed_ip", "by_mail"])
    _welcome(signup, contact, joined)


def _welcome(signup: Signup, contact: Contact, joined: set[int]) -> None:
    """One mail, of the first list by name that has one and that the person wasn't on before."""
    new = [one for one in forms.lists_of(signup.form) if one.pk in joined]
    if forms.has_route(signup.form) and signup.workspace.from_email:
        for rules in forms.rules_of(new):
            design = rules.welcome_design if rules.welcome == Welcome.DESIGN else None
            if design is not None or rules.welcome == Welcome.STANDARD:
                mails.welcome(signup, contact, rules.list, design)
                return


def _contact(signup: Signup, *, proven: bool) -> Contact:
    """The contact with this address, locked. `proven`: values of the form replace known ones;
    otherwise they only fill in what is missing."""
    values = dict(signup.values)
    known_names = {name: str(values.get(name, "")) for name in NAMES}
    attributes = _attributes(signup)
    try:
        made = contacts.create(
            signup.workspace,
            email=signup.address,
            known_names=known_names,
            attributes=attributes,
            source=sources.of(signup.form),
        )
    except contacts.ExistsError as error:
        contact = Contact.objects.select_for_update().get(pk=error.contact.pk)
        return _updated(contact, known_names, attributes, proven=proven)
    return Contact.objects.select_for_update().get(pk=made.pk)


def _updated(
    contact: Contact, known_names: dict[str, str], attributes: dict[str, object], *, proven: bool
) -> Contact:
    given = {name: value for name, value in known_names.items() if value}
    present = {name: value for name in NAMES if (value := str(getattr(contact, name)))}
    names = present | given if proven else given | present
    merged = contact.attributes | attributes if proven else attributes | contact.attributes
    if names == present and merged == contact.attributes:
        return contact
    return contacts.update(contact, email=contact.email, known_names=names, attributes=merged)


def _attributes(signup: Signup) -> dict[str, object]:
    """Those that still exist. The language of the page is the contact's, if the workspace keeps
    languages."""
    kinds = dict(Attribute.objects.filter(workspace=signup.workspace_id).values_list("key", "type"))
    found: dict[str, object] = {
        key: value
        for name, value in signup.values.items()
        if name.startswith(ATTRIBUTE) and (key := name.removeprefix(ATTRIBUTE)) in kinds
    }
    if kinds.get(LANGUAGE) == Attribute.Type.TEXT:
        found.setdefault(LANGUAGE, signup.language)
    return found
