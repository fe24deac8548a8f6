"""Asks people by mail to confirm, within limits that keep forms from being used against strangers.

| limit | holds for |
| --- | --- |
| one mail in an hour | an address and a list |
| three mails in a day | an address, in all forms of the installation |
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from designs.models import Design
from signups.models import ConfirmationMail, Signup
from signups.queries import asking as query
from signups.services import forms, mails

AGAIN_AFTER = timedelta(hours=1)
DAY = timedelta(days=1)
MOST_A_DAY = 3


@transaction.atomic
def ask(signup: Signup) -> bool:
    """Orders a confirmation mail. False: a limit was reached, and nothing was ordered."""
    query.lock(signup.address)
    now = timezone.now()
    asked = ConfirmationMail.objects.filter(address=signup.address, sent_at__gt=now - DAY)
    lately = [set(one.list_ids) for one in asked if one.sent_at > now - AGAIN_AFTER]
    if len(asked) >= MOST_A_DAY or any(known & set(signup.list_ids) for known in lately):
        return False
    mail = ConfirmationMail.objects.create(
        signup=signup, address=signup.address, list_ids=signup.list_ids
    )
    lists = forms.lists_of(signup.form)
    mails.confirmation(signup, lists, _design(signup), mail.pk)
    signup.state, signup.asked_at = Signup.State.WAITING, now
    signup.save(update_fields=["state", "asked_at"])
    return True


def _design(signup: Signup) -> Design | None:
    """Of several lists, the first one's by name that has one."""
    rules = forms.rules_of(forms.lists_of(signup.form))
    found = (one.confirmation_design for one in rules if one.double_opt_in)
    return next((one for one in found if one is not None), None)
