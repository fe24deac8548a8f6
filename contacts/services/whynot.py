"""Answers "why can't I mail this person?" in one place, for any address, known or not."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts import addresses, sources, suppressionwords
from contacts.models import Contact, MailDomain, Subscription
from contacts.queries import mailable
from contacts.suppressionmodels import Suppression


@dataclass(frozen=True, slots=True)
class WhyNotReason:
    """A reason, or (`stops` false) something that only some mails heed. `remedy`: what can be
    done; `url` and `label`: the page where it is done, "" if there is none."""

    text: str
    stops: bool = True
    since: dt.datetime | None = None
    details: tuple[str, ...] = ()
    words: str = ""
    note: str = ""
    remedy: str = ""
    url: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class WhyNotAnswer:
    """`address`: in stored form; "" if what was typed is none. `contact`: with this address."""

    typed: str
    address: str = ""
    contact: Contact | None = None
    reasons: list[WhyNotReason] = field(default_factory=list)
    # The lists that the contact is on, for the answer that nothing stops mail.
    lists: list[str] = field(default_factory=list)

    @property
    def is_stopped(self) -> bool:
        return any(one.stops for one in self.reasons)


def answer(workspace: Workspace, typed: str) -> WhyNotAnswer:
    """All reasons why this address gets no mail from the workspace."""
    try:
        email = addresses.normalise(typed)
    except addresses.AddressError as error:
        wrong = WhyNotReason(
            _("This is not an address that can be mailed."),
            details=(str(error),),
            remedy=_("Correct the address."),
        )
        return WhyNotAnswer(typed, reasons=[wrong])
    contact = Contact.objects.filter(workspace=workspace, email=email).first()
    stops = _shown(mailable.stops_of(workspace, [email]).get(email, []))
    named = sources.names(workspace, [one.source for one in stops if not one.everywhere])
    reasons = [_of_suppression(one, workspace, sources.in_words(named)) for one in stops]
    reasons += _of_domain(email)
    if contact is None:
        reasons.append(_unknown(workspace))
        return WhyNotAnswer(typed, email, None, reasons)
    places = list(contact.subscriptions.select_related("list").order_by("list__name"))
    reasons += _of_lists(places, workspace, contact)
    on = [one.list.name for one in places if one.status == Subscription.Status.SUBSCRIBED]
    return WhyNotAnswer(typed, email, contact, reasons, on)


def _shown(stops: list[Suppression]) -> list[Suppression]:
    """An erased person once, also if there is a digest with each of several keys."""
    shown: list[Suppression] = []
    for one in stops:
        is_erasure = one.kind == Suppression.Kind.ERASED
        if not (is_erasure and any(known.kind == one.kind for known in shown)):
            shown.append(one)
    return shown


def _of_suppression(one: Suppression, workspace: Workspace, say: sources.Say) -> WhyNotReason:
    details = [suppressionwords.reason(one)]
    if one.everywhere:
        return WhyNotReason(
            suppressionwords.sentence(one),
            since=one.created_at,
            details=(*details, _("For the whole installation")),
            words=one.detail,
            remedy=_("Only those who run this installation can lift it. Ask them."),
        )
    if one.source:
        details.append(say(one.source, one.afterwards))
    if one.created_by:
        details.append(str(one.created_by))
    return WhyNotReason(
        suppressionwords.sentence(one),
        since=one.created_at,
        details=tuple(details),
        words=one.detail,
        note=one.note,
        remedy=_remedy(one),
        url=reverse("suppression", args=[workspace.slug, one.pk]),
        label=_("Open the suppression"),
    )


def _remedy(one: Suppression) -> str:
    reasons = Suppression.Reason
    if one.kind == Suppression.Kind.ERASED:
        return _("Lift it only if the person asks for mail again.")
    if one.reason in {reasons.UNSUBSCRIBED, reasons.COMPLAINED}:
        return _("Lift it only if the person asks for mail again.")
    if one.reason == reasons.HARD_BOUNCED:
        return _("Lift it if the address works again.")
    if one.reason == reasons.PAUSED:
        return _("It ends by itself. Lift it only if the person asks for mail again.")
    if one.until:
        return _("It ends by itself. Lift it if the address works again.")
    return _("Lift it if it is no longer needed.")


def _of_domain(email: str) -> Iterator[WhyNotReason]:
    """What DNS said when an import last asked. Mail is tried nevertheless."""
    domain = mailable.domain_of(email)
    known = MailDomain.objects.filter(domain=domain, answer=MailDomain.Answer.NONE).first()
    if known:
        yield WhyNotReason(
            _("{domain} has no mail server.").format(domain=addresses.display(domain)),
            stops=False,
            since=known.looked_at,
            remedy=_("Mail there will come back. Look for a typing error in the domain."),
        )


def _unknown(workspace: Workspace) -> WhyNotReason:
    return WhyNotReason(
        _("No contact of this workspace has this address."),
        remedy=_("Add the contact, and put it on a list."),
        url=reverse("new_contact", args=[workspace.slug]),
        label=_("Add contact"),
    )


def _of_lists(
    places: list[Subscription], workspace: Workspace, contact: Contact
) -> Iterator[WhyNotReason]:
    url = reverse("contact", args=[workspace.slug, contact.pk])
    left = [one for one in places if one.status == Subscription.Status.UNSUBSCRIBED]
    is_on_any = len(left) < len(places)
    for one in left:
        yield WhyNotReason(
            _("The person left the list {list}.").format(list=one.list.name),
            stops=not is_on_any,
            since=one.changed_at,
            details=(sources.in_words()(one.source, one.afterwards),) if one.source else (),
            remedy=_(
                "Campaigns to this list leave the person out. Put them on it again only if "
                "they ask for it."
            ),
            url=url,
            label=_("Open the contact"),
        )
    if not places:
        yield WhyNotReason(
            _("The contact is on no list."),
            stops=False,
            remedy=_("Campaigns to lists don't reach it. Put it on a list if the person agreed."),
            url=url,
            label=_("Open the contact"),
        )
