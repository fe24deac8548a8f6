"""Takes what a person sent by a form. The answer to the person never depends on what is known about
the address: otherwise a form would tell strangers who is a contact or suppressed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from contacts.models import List, Subscription
from contacts.queries import mailable
from signups.models import Signup, SignupForm
from signups.services import asking, confirming, forms

State = Signup.State
LONGEST_USER_AGENT = 500
# Reasons of refusals; other codes are those of suppressions.
ROBOT, ASKED_LATELY = "signup_robot", "signup_asked_lately"


@dataclass(frozen=True, slots=True)
class Submission:
    """Checked values of a form. `puzzle`: the id of a stamp whose puzzle was solved, "" without.
    `robot`: it filled in what people don't see."""

    address: str
    consent_text: str
    language: str
    values: Mapping[str, Any] = field(default_factory=dict)
    ip: str | None = None
    user_agent: str = ""
    puzzle: str = ""
    robot: bool = False


@transaction.atomic
def receive(form: SignupForm, given: Submission) -> Signup:
    """The form must take sign-ups (services.forms.closed_because)."""
    lists = forms.lists_of(form)
    signup = Signup(
        workspace=form.workspace,
        form=form,
        address=given.address,
        list_ids=[one.pk for one in lists],
        values=dict(given.values),
        consent_text=given.consent_text,
        language=given.language,
        ip=given.ip,
        user_agent=given.user_agent[:LONGEST_USER_AGENT],
        state=State.WAITING,
        was_subscribed=_is_subscribed(form, given.address, lists),
    )
    stops = mailable.stops_of(form.workspace, [given.address]).get(given.address, [])
    if given.robot:
        return _refused(signup, ROBOT)
    if (stop := confirming.grave(stops)) is not None:
        return _refused(signup, mailable.code_of(stop))
    is_solved = _save(signup, given.puzzle)
    if is_solved and not stops and _may_join_at_once(form, signup.address, lists):
        confirming.subscribe_at_once(signup)
    elif not asking.ask(signup):
        return _refused(signup, ASKED_LATELY)
    return signup


def _save(signup: Signup, puzzle: str) -> bool:
    """Saves it with the puzzle. False: it has none, or another sign-up has used it."""
    if puzzle:
        try:
            with transaction.atomic():
                signup.puzzle = puzzle
                signup.save()
                return True
        except IntegrityError:
            signup.puzzle = None
    signup.save()
    return False


def _refused(signup: Signup, reason: str) -> Signup:
    signup.state, signup.reason = State.REFUSED, reason
    signup.save()
    return signup


def _is_subscribed(form: SignupForm, address: str, lists: list[List]) -> bool:
    """To all of the lists."""
    own = Subscription.objects.filter(
        list__in=lists,
        contact__email=address,
        contact__workspace=form.workspace_id,
        status=Subscription.Status.SUBSCRIBED,
    )
    return own.count() == len(lists)


def _may_join_at_once(form: SignupForm, address: str, lists: list[List]) -> bool:
    """All lists are single opt-in, and the person has left none of them."""
    if forms.is_double(form):
        return False
    left = Subscription.objects.filter(
        list__in=lists,
        contact__email=address,
        contact__workspace=form.workspace_id,
        status=Subscription.Status.UNSUBSCRIBED,
    )
    return not left.exists()
