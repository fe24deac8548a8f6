"""The sign-ups of a contact in its timeline: the trail of its consent."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from contacts.models import Contact
from contacts.timeline import TimelineEntry, contributors
from pages import locales
from signups import sources
from signups.models import Signup

MOST = 20


@contributors.add
def signups(contact: Contact) -> Iterable[TimelineEntry]:
    """The newest ones, with the text that the person agreed to."""
    own = Signup.objects.filter(contact=contact.pk, state=Signup.State.CONFIRMED)
    for one in own.select_related("form").order_by("-pk")[:MOST]:
        if one.by_mail:
            title = _("Confirmed a sign-up by the link in the mail")
        else:
            title = _("Signed up without a confirmation mail")
        parts = [_("Sent {moment}").format(moment=locales.absolute(one.created_at))]
        if one.ip:
            parts.append(_("from {ip}").format(ip=one.ip))
        if one.by_mail and one.confirmed_ip:
            parts.append(_("confirmed from {ip}").format(ip=one.confirmed_ip))
        yield TimelineEntry(
            one.confirmed_at or one.created_at,
            title,
            "checkbox",
            detail=", ".join(parts),
            words=one.consent_text,
            source=sources.of(one.form),
        )
