"""The ways of counting opens, from which a workspace and each campaign choose.

A pixel of a person's own shows when this person loaded the pictures. France's CNIL (recommendation
2026-042, in force since July 2026) asks for a consent of its own for that; totals without persons
need none. So `CONSENT` is what a new workspace begins with.
"""

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class OpenCounting(TextChoices):
    # A pixel of his own for everybody who has not refused.
    EVERYBODY = "everybody", _("For everybody")
    # A pixel of his own only for people who have agreed.
    CONSENT = "consent", _("Only with consent")
    # The same pixel in all mails: a number for each mailing.
    TOTALS = "totals", _("As totals, without persons")
    NONE = "none", _("Not at all")


SUMMARIES: dict[str, Promise] = {
    OpenCounting.EVERYBODY: _(
        "Everybody who has not refused. Some countries, such as France, require consent."
    ),
    OpenCounting.CONSENT: _(
        "Only people who have agreed to it. As long as nobody has, no opens are counted."
    ),
    OpenCounting.TOTALS: _(
        "How often the pictures were loaded in all. Nobody can tell by whom, so this needs no "
        "consent."
    ),
    OpenCounting.NONE: _("The mails carry no picture for counting."),
}
# Mails that may carry a pixel of a person's own.
PERSONAL = (OpenCounting.EVERYBODY, OpenCounting.CONSENT)
