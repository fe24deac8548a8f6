"""Which domains have a mail server: kept for a while, asked a few at a time."""

from collections import Counter
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Workspace
from contacts import mailservers, tasks
from contacts.models import Contact, Import, MailDomain
from contacts.queries import maildomains as domain_queries
from contacts.services import maildomains

pytestmark = pytest.mark.django_db(transaction=True)


class Dns:
    """Plays the look-ups: domains that begin with "no" have no mail server."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: Counter[str] = Counter()
        self.reachable = True
        monkeypatch.setattr(mailservers, "resolvers", lambda: ["10.0.0.1"])
        monkeypatch.setattr(maildomains, "wait_for_pace", lambda _seconds: None)

    def __call__(self, domain: str, _servers: list[str]) -> str:
        self.asked[domain] += 1
        if not self.reachable:
            return "none"
        if domain.startswith("unknown"):
            return "unknown"
        return "none" if domain.startswith("no") else "mail"


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Dns:
    return Dns(monkeypatch)


def test_answers_are_kept_until_they_are_old(dns: Dns) -> None:
    domains = ["a.example", "no.example", "unknown.example"]
    assert maildomains.look_up(domains, ask=dns)
    kept = {"a.example": "mail", "no.example": "none", "unknown.example": "unknown"}
    assert maildomains.known(domains) == kept
    assert maildomains.look_up(domains, ask=dns)
    assert all(dns.asked[domain] == 1 for domain in domains)
    for days, left in ((1, {"a.example", "no.example"}), (7, {"a.example"}), (31, set())):
        MailDomain.objects.update(looked_at=timezone.now() - timedelta(days=days, hours=1))
        assert set(maildomains.known(domains)) == left
    maildomains.forget_old()
    assert not MailDomain.objects.exists()


def test_a_network_without_true_answers_says_nothing(dns: Dns) -> None:
    dns.reachable = False
    assert maildomains.look_up(["a.example", "no.example"], ask=dns)
    assert set(MailDomain.objects.values_list("answer", flat=True)) == {"unknown"}
    assert set(dns.asked) == {"gmail.com"}


def test_so_does_a_machine_without_a_resolver(dns: Dns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailservers, "resolvers", list)
    assert maildomains.look_up(["no.example"], ask=dns)
    assert MailDomain.objects.get().answer == "unknown"
    assert not dns.asked


def test_only_the_first_domains_are_asked_about(dns: Dns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maildomains, "MOST", 25)
    maildomains.look_up([f"d{n}.example" for n in range(100)], ask=dns)
    assert MailDomain.objects.count() == 25


def test_it_ends_in_time(dns: Dns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maildomains, "SECONDS", -1)
    maildomains.look_up([f"d{n}.example" for n in range(100)], ask=dns)
    assert MailDomain.objects.count() == maildomains.TOGETHER


def test_one_look_up_at_a_time(
    dns: Dns, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[tuple[object, object]] = []
    monkeypatch.setattr(
        tasks.look_up_domains,
        "apply_async",
        lambda given, countdown: later.append((given, countdown)),
    )
    import_ = Import.objects.create(
        workspace=workspace, filename="x", state="ready", hints={"domains": [["a.example", 1]]}
    )
    cache.add(maildomains.BUSY, 1, timeout=60)
    assert not maildomains.look_up(["a.example"], ask=dns)
    tasks.look_up_domains(import_.pk)
    tasks.look_up_domains(import_.pk, times=0)
    assert later == [((import_.pk, tasks.TIMES - 1), tasks.LATER)]
    assert not dns.asked
    cache.delete(maildomains.BUSY)
    assert maildomains.look_up(["a.example"], ask=dns)
    # It is free again, also after an error.
    with pytest.raises(ZeroDivisionError):
        maildomains.look_up(["b.example"], ask=lambda _domain, _servers: str(1 // 0))
    assert cache.get(maildomains.BUSY) is None


def test_domains_that_the_workspace_knows(workspace: Workspace, other_workspace: Workspace) -> None:
    for here, domain, people in (
        (workspace, "gamil.com", 6),
        (workspace, "gmial.com", 5),
        (other_workspace, "gmai.com", 9),
        (workspace, "x.qq.con", 9),
    ):
        Contact.objects.bulk_create(
            Contact(workspace=here, email=f"p{n}@{domain}", first_name="@qq.co")
            for n in range(people)
        )
    asked = ["gamil.com", "gmial.com", "gmai.com", "qq.con", "qq.co"]
    assert domain_queries.familiar(workspace.pk, asked, people=5) == {"gamil.com"}
    assert domain_queries.familiar(workspace.pk, [], people=5) == set()
