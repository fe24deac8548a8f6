"""`manage.py seed_demo`: a workspace in which every page has something to show."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F

from accounts.models import User, Workspace
from campaigns.models import Campaign
from contacts.models import Contact, Import, List, Subscription, Suppression
from contacts.provenance import BY_HAND
from demo import seed
from designs.models import Design
from sending.models import Event, Message, Tally
from signups.models import SignupForm
from signups.services import forms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
def test_the_demo_looks_lived_in_and_comes_once() -> None:
    out = StringIO()
    call_command("seed_demo", "--password", "only for the demo", stdout=out)
    assert "only for the demo" in out.getvalue()
    workspace = Workspace.objects.get(slug=seed.SLUG)
    _check_people(workspace)
    _check_mail(workspace)

    again = StringIO()
    call_command("seed_demo", stdout=again)
    assert "is there" in again.getvalue()
    assert "password" not in again.getvalue()
    assert Workspace.objects.count() == 1


def _check_people(workspace: Workspace) -> None:
    assert User.objects.get(email=seed.EMAIL).check_password("only for the demo")
    people = Contact.objects.filter(workspace=workspace, **BY_HAND.columns).count()
    assert people == seed.PEOPLE + sum(seed.TROUBLE.values())
    assert Contact.objects.filter(workspace=workspace, full_name__regex="[一-龥]").count() > 2000
    assert List.objects.filter(workspace=workspace).count() == 3
    form = SignupForm.objects.get(workspace=workspace)
    assert (forms.closed_because(form), len(forms.fields_of(form))) == ("", 2)
    # Nobody subscribed before they came.
    early = Subscription.objects.filter(created_at__lt=F("contact__created_at"))
    assert not early.exists()
    reasons = set(Suppression.objects.values_list("reason", flat=True))
    assert {"manual", "hard_bounced", "complained"} <= reasons
    file = Import.objects.get(workspace=workspace)
    assert file.state == Import.State.FINISHED
    assert file.counts["rejected"] == len(seed.WRONG)


def _check_mail(workspace: Workspace) -> None:
    assert Design.objects.filter(workspace=workspace).count() >= 5
    states = Counter(
        Campaign.objects.filter(workspace=workspace).values_list("state", "mailing__state")
    )
    assert states == {
        ("started", "finished"): len(seed.SENT),
        ("started", "sending"): 1,
        ("scheduled", None): 1,
        ("draft", None): 1,
    }
    for tally in Tally.objects.select_related("mailing"):
        rows = Counter(
            Message.objects.filter(mailing=tally.mailing).values_list("state", flat=True)
        )
        kept = (tally.waiting, tally.in_flight, tally.accepted, tally.failed, tally.skipped)
        assert kept == tuple(rows[state] for state in range(5))
        assert tally.targeted == sum(rows.values())
        opened = Message.objects.filter(mailing=tally.mailing).exclude(opened_at=None).count()
        assert tally.opened == opened
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {
        "hard_bounced",
        "soft_bounced",
        "complained",
        "opened",
        "clicked",
        "unsubscribed",
    } <= kinds
