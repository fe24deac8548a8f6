"""What a sign-up changes: contact, subscriptions, a suppression that the person made, a welcome."""

from enum import Enum

from django.db import transaction
from django.utils import timezone

from contacts.languages import ATTRIBUTE as LANGUAGE
from contacts.models import Attribute, Contact, List, Subscription, Suppression
from contacts.queries import mailable
from contacts.services import contacts, lists, preferences, suppressions
from contacts.values import Value
from environment import logs
from signups import fieldvalues, links, sources
from signups.formfields import ATTRIBUTE, NAMES
from signups.models import Signup, SignupRules
from signups.services import asking, forms, mails

log = logs.get(__name__)
State = Signup.State
Welcome = SignupRules.Welcome


class Answer(Enum):
    """What became of a click on "confirm"."""

    DONE = "done"
    EXPIRED = "expired"
    # Mail to the address is suppressed, and not by its own unsubscription.
    CANNOT = "cannot"
    # The lists, or the contact that it made, were deleted.
    GONE = "gone"
    # The person confirmed, and unsubscribed later.
    LEFT = "left"


def grave(stops: list[Suppression]) -> Suppression | None:
    """The first suppression that stands against a sign-up: any but the person's own wish, or a
    pause, which a sign-up leaves as it is."""
    return next((one for one in stops if not (is_own_wish(one) or is_pause(one))), None)


def is_own_wish(one: Suppression) -> bool:
    """Whether the person asked for it, by unsubscribing or by asking to be erased: only then the
    person may take it back."""
    if one.everywhere:
        return False
    unsubscribed = one.reason == Suppression.Reason.UNSUBSCRIBED
    return is_erasure(one) or (unsubscribed and one.kind == Suppression.Kind.ADDRESS)


def is_pause(one: Suppression) -> bool:
    return one.reason == Suppression.Reason.PAUSED


def is_erasure(one: Suppression) -> bool:
    return one.kind == Suppression.Kind.ERASED


def has_expired(signup: Signup) -> bool:
    if signup.state == State.EXPIRED:
        return True
    begun = signup.asked_at or signup.created_at
    return signup.state == State.WAITING and begun < timezone.now() - links.HOLDS


def settled_as(signup: Signup) -> Answer | None:
    """What a click on its link says without doing anything; None: it can be confirmed."""
    if has_expired(signup):
        return Answer.EXPIRED
    if signup.state == State.REFUSED:
        return Answer.CANNOT
    in_use = List.objects.filter(
        workspace=signup.workspace_id, pk__in=signup.list_ids, archived_at=None
    )
    confirmed = signup.state == State.CONFIRMED
    if not in_use.exists() or (confirmed and signup.contact is None):
        return Answer.GONE
    if not confirmed:
        return None
    on_lists = Subscription.objects.filter(contact=signup.contact_id, list__in=in_use)
    stays = on_lists.filter(status=Subscription.Status.SUBSCRIBED).exists()
    stops = mailable.stops_of(signup.workspace, [signup.address]).get(signup.address, [])
    if grave(stops):
        return Answer.CANNOT
    return Answer.DONE if stays and not any(map(is_own_wish, stops)) else Answer.LEFT


@transaction.atomic
def confirm(signup_id: int, *, ip: str | None) -> tuple[Signup, Answer]:
    """By the link in the mail, so the address is the person's. Safe to do twice: a second time
    changes nothing. Raises Signup.DoesNotExist."""
    signup = Signup.objects.select_for_update(of=("self",)).get(pk=signup_id)
    if (settled := settled_as(signup)) is not None:
        return signup, settled
    stops = mailable.stops_of(signup.workspace, [signup.address]).get(signup.address, [])
    if (stop := grave(stops)) is not None:
        signup.state, signup.reason = State.REFUSED, mailable.code_of(stop)
        signup.save(update_fields=["state", "reason"])
        return signup, Answer.CANNOT
    contact = _contact(signup, proven=True)
    _lift(signup, stops)
    joined = lists.opt_in(contact, signup.list_ids, source=sources.of(signup.form))
    _finish(signup, contact, joined, ip=ip)
    return signup, Answer.DONE


def _lift(signup: Signup, stops: list[Suppression]) -> None:
    """Source and reason stay with the lifted rows. Of an erased person nothing else is left, so
    that the sign-up says that it lifted the row."""
    own = [one.pk for one in stops if is_own_wish(one)]
    wishes = Suppression.objects.filter(pk__in=own)
    suppressions.lift_many(wishes, None, timezone.now())
    if any(map(is_erasure, stops)):
        signup.was_erased = True
        log.committed.info("erased person signed up", signup=signup.pk, form=signup.form_id)


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
    signup.was_subscribed = not joined
    signup.save()
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
    attributes, signup.left_out = _attributes(signup)
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
        contact = _updated(contact, known_names, attributes, proven=proven)
    else:
        contact = Contact.objects.select_for_update().get(pk=made.pk)
    _keep_language(contact, signup.language)
    return contact


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


def _attributes(signup: Signup) -> tuple[dict[str, object], list[str]]:
    """{key: value}, and the keys of fields whose value is left out. Between sending and confirming
    an attribute may have been deleted, made anew with another type, or lost a choice."""
    own = {one.key: one for one in Attribute.objects.filter(workspace=signup.workspace_id)}
    found: dict[str, object] = {}
    left_out = []
    for name, value in signup.values.items():
        if not name.startswith(ATTRIBUTE):
            continue
        attribute = own.get(name.removeprefix(ATTRIBUTE))
        read = None if attribute is None else _read(attribute, value)
        if attribute is None or read is None:
            left_out.append(name)
        else:
            found[attribute.key] = read
    return found, left_out


def _read(attribute: Attribute, value: object) -> Value | None:
    """None: it is no value of this attribute."""
    try:
        return fieldvalues.read(attribute.type, attribute.choices, value)
    except ValueError:
        return None


def _keep_language(contact: Contact, language: str) -> None:
    """The language in which the person signed up is stored as the one that people choose by a mail
    (contacts.services.preferences), if the contact has none yet."""
    if contact.attributes.get(LANGUAGE):
        return
    attribute = preferences.attribute_of(contact.workspace)
    if attribute is not None and _read(attribute, language) is None:
        # The workspace's own attribute of this name has other values.
        return
    preferences.set_language(contact, language)
