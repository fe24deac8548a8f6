"""Mails in the sandbox to an erased person."""

from django.db.models import QuerySet
from django.utils.translation import ngettext

from contacts.erasures import ErasedPerson, Trace
from pages import locales
from sandbox.models import SandboxMail, SandboxReturn


def _mails(person: ErasedPerson) -> QuerySet[SandboxMail]:
    return SandboxMail.objects.filter(
        workspace=person.workspace_id, envelope_to__in=person.addresses
    )


def _words(count: int) -> str:
    text = ngettext("{count} mail in the sandbox", "{count} mails in the sandbox", count)
    return text.format(count=locales.number(count))


def _forget(person: ErasedPerson) -> None:
    SandboxReturn.objects.filter(mail__in=_mails(person)).delete()
    _mails(person).delete()


TRACE = Trace("sandbox", _words, lambda person: _mails(person).count(), _forget)
