"""The sign-ups of a person, for the person (contacts.personfile): the trail of the consent."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.erasures import ErasedPerson
from contacts.personfile import Fact, Section
from pages import locales
from signups.models import Signup


def signups(person: ErasedPerson) -> Iterator[Fact]:
    """Also those that were never confirmed. Of the contact, and of the addresses if the sign-up is
    nobody else's."""
    own = Q(address__in=person.addresses, contact=None)
    if person.contact_id:
        own |= Q(contact=person.contact_id)
    rows = Signup.objects.filter(own, workspace=person.workspace_id).select_related("form")
    for row in rows.order_by("-pk"):
        yield Fact(_data(row), _title(row), row.created_at, _lines(row))


def _data(row: Signup) -> dict[str, object]:
    return {
        "form": row.form.name,
        "address": row.address,
        "state": row.state,
        "at": row.created_at,
        "confirmed_at": row.confirmed_at,
        "by_mail": row.by_mail,
        "text": row.consent_text,
        "language": row.language,
        "values": row.values,
        "ip": row.ip,
        "confirmed_ip": row.confirmed_ip,
        "user_agent": row.user_agent,
    }


def _title(row: Signup) -> str:
    state = row.get_state_display()
    return _("Form “{form}”: {state}").format(form=row.form.name, state=state)


def _lines(row: Signup) -> list[str]:
    lines = [_("The text that was shown: “{text}”").format(text=row.consent_text)]
    if row.values:
        values = ", ".join(f"{key}: {value}" for key, value in row.values.items())
        lines.append(_("Entered: {values}").format(values=values))
    if row.ip:
        lines.append(_("From the network address {ip}").format(ip=row.ip))
    if row.user_agent:
        lines.append(_("By the program {agent}").format(agent=row.user_agent))
    if row.by_mail and row.confirmed_at:
        said = _("Confirmed by the link in the mail: {when}")
        lines.append(said.format(when=locales.absolute(row.confirmed_at)))
    if row.confirmed_ip:
        lines.append(_("Confirmed from the network address {ip}").format(ip=row.confirmed_ip))
    return lines


SECTION = Section("sign_ups", gettext_lazy("Sign-ups"), signups)
