"""Why people left by the mails of a mailing, in their own words (contacts.preferencemodels)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from contacts.preferencemodels import PreferenceChoice
from sending.models import Mailing

Because = PreferenceChoice.Because
# Texts of people that the report shows, the newest first. The table of recipients has all people.
TEXTS = 20


@dataclass(frozen=True, slots=True)
class LeavingText:
    """What a person wrote. `label`: the reason that they chose."""

    at: datetime
    label: str
    words: str
    contact_id: int
    email: str


def said(mailing: Mailing) -> QuerySet[PreferenceChoice]:
    """One row for each person. Index: leaving_reason_once."""
    return PreferenceChoice.objects.filter(
        kind=PreferenceChoice.Kind.BECAUSE,
        contact__workspace=mailing.workspace_id,
        **mailing.source.columns,
    )


def reasons(mailing: Mailing) -> list[tuple[str, str, int]]:
    """[(code, label, number of people)], the most frequent first."""
    counted = said(mailing).order_by().values_list("value").annotate(number=Count("pk"))
    labels = {str(code): str(label) for code, label in Because.choices}
    found = [(code, labels.get(code, code), number) for code, number in counted]
    return sorted(found, key=lambda one: (-one[2], one[0]))


def texts(mailing: Mailing) -> list[LeavingText]:
    labels: dict[str, Any] = dict(Because.choices)
    rows = said(mailing).exclude(words="").select_related("contact").order_by("-pk")[:TEXTS]
    return [
        LeavingText(
            row.created_at,
            str(labels.get(row.value, row.value)),
            row.words,
            row.contact_id,
            row.contact.email,
        )
        for row in rows
    ]


def label_of(code: str) -> str:
    """ "" for a code that is none."""
    return str(Because(code).label) if code in Because.values else ""
