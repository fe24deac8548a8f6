"""Limits test mails, because they go to any address without list, consent or report.

A person may send so many a day (settings.TEST_MAILS_PER_DAY), and only from addresses of the
workspace (relays.senders). Mails over a relay that delivers to nobody are not counted.
"""

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.services import allowance
from accounts.services.allowance import Allowance
from pages import locales
from relays import senders
from relays.exceptions import RelaysError
from relays.models import Relay

WHAT = "test mails"


class TestRefusedError(RelaysError):
    """The test mail isn't sent; the text tells the person why. `field`: the form field."""

    __test__ = False  # no test of pytest's

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


def left(user: User) -> Allowance:
    return allowance.left(user, WHAT, settings.TEST_MAILS_PER_DAY)


def take(relay: Relay, user: User, *, sender: str, count: int, field: str = "addresses") -> None:
    """Counts `count` test mails; to be called right before sending. Raises TestRefusedError, and
    counts none then. `field`: the form field with the recipients."""
    check_sender(relay, sender)
    if not relay.delivers or allowance.take(user, WHAT, settings.TEST_MAILS_PER_DAY, count):
        return
    now = left(user)
    text = ngettext(
        "You can send {left} more test mail until {until}.",
        "You can send {left} more test mails until {until}.",
        now.left,
    )
    raise TestRefusedError(text.format(left=locales.number(now.left), until=until(now)), field)


def check_sender(relay: Relay, sender: str) -> None:
    if not senders.may_use(relay.workspace, sender):
        raise TestRefusedError(
            _(
                "{address} is not a sender address of this workspace. Use the one in its settings, "
                "or one that a campaign uses."
            ).format(address=sender),
            "from_email",
        )


def until(now: Allowance) -> str:
    """The time when the allowance is renewed, in the person's time zone."""
    return locales.absolute(now.until)
