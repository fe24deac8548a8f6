"""Sign-ups that nobody confirmed end, and are forgotten later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from signups.models import ConfirmationMail, Signup
from signups.tasks import tend
from tests.signups.conftest import link

pytestmark = pytest.mark.django_db


def age(days: int) -> None:
    then = timezone.now() - timedelta(days=days)
    Signup.objects.update(created_at=then, asked_at=then)
    ConfirmationMail.objects.update(sent_at=then)


def test_after_seven_days_it_has_expired_and_after_thirty_it_is_gone(
    client: Client, send: Callable[..., Any]
) -> None:
    send("confirmed@example.com")
    client.post(link())
    send()
    age(6)
    tend()
    assert Signup.objects.filter(state="unconfirmed").count() == 1
    assert not ConfirmationMail.objects.exists()
    age(8)
    tend()
    assert Signup.objects.filter(state="expired").count() == 1
    age(31)
    tend()
    assert list(Signup.objects.values_list("address", flat=True)) == ["confirmed@example.com"]


def test_another_mail_prolongs_it(send: Callable[..., Any]) -> None:
    send()
    age(40)
    Signup.objects.update(asked_at=timezone.now() - timedelta(days=1))
    tend()
    assert Signup.objects.get().state == "unconfirmed"
