"""The condition of segments about the mail provider of a contact's address."""

from collections.abc import Collection, Iterable

from django.utils.translation import gettext_lazy

from contacts.segments.kinds import ConditionKind, Context, Match, Subject, kinds
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given_list, put
from relays.providers import mail_providers

OPERATORS = (
    Operator("is", gettext_lazy("is"), gettext_lazy("{subject} is {value}"), Takes.CHOICE),
    Operator(
        "is_not", gettext_lazy("is not"), gettext_lazy("{subject} is not {value}"), Takes.CHOICE
    ),
)
DOMAIN = "c.domain"


def _subjects(_workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    choices = tuple((one.key, one.name) for one in mail_providers())
    return [Subject("", gettext_lazy("Mail provider"), OPERATORS, choices)]


def _compile(one: Condition, _subject: Subject, _context: Context) -> Match:
    domains = [
        domain
        for provider in mail_providers()
        if provider.key == one.values[0]
        for domain in provider.domains
    ]
    found = put(DOMAIN + " = ANY({})", given_list(domains, "text"))
    return Match(put("NOT ({})", found) if one.operator == "is_not" else found)


def _told(_subject: Subject, value: str | None) -> str:
    names = {domain: one.name for one in mail_providers() for domain in one.domains}
    return names.get(value or "", value or "")


kinds.add(
    ConditionKind(
        "provider",
        gettext_lazy("Contact"),
        _subjects,
        _compile,
        lambda _one, _subject, _context: Sql(DOMAIN),
        _told,
        flat=True,
    ),
    order=12,
)
