"""Registers with contacts: bounces and complaints are the evidence of suppressions, and a trace of
persons who are erased."""

from collections.abc import Collection, Mapping

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from bounces.models import BounceMail
from bounces.queries import erasing
from contacts import evidence
from contacts.erasures import Trace, traces
from contacts.evidence import Evidence
from pages import locales

# Of one message, at most this many are shown.
MOST = 5


def _words(count: int) -> str:
    text = ngettext("the source of {count} bounce", "the sources of {count} bounces", count)
    return text.format(count=locales.number(count))


traces.add(Trace("bounces", _words, erasing.count, erasing.forget), key="bounces", order=40)


@evidence.contributors.add
def reports(workspace: Workspace, message_ids: Collection[int]) -> Mapping[int, list[Evidence]]:
    """The mails of bounce mailboxes about these messages, also those that do not count."""
    mails = BounceMail.objects.filter(mailbox__workspace=workspace, message__in=message_ids)
    found: dict[int, list[Evidence]] = {}
    for mail in mails.defer("raw").order_by("pk")[: MOST * len(message_ids)]:
        url = reverse("bounce", args=[workspace.slug, mail.pk])
        one = Evidence(mail.collected_at, _("The report that came back"), mail.detail, url)
        found.setdefault(mail.message_id or 0, []).append(one)
    return found
