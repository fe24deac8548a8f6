"""Who may decide about what came back and what was refused: each request of those pages, sent by
each role, by a member of another workspace and by nobody, to rows that are there."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Permission, Role, allows
from bounces.models import BounceMail, BounceMailbox
from bounces.views.bounces import UNDO_SALT
from campaigns.models import Campaign
from contacts.models import Suppression
from relays.models import Relay
from sending.models import Hold, Message

pytestmark = pytest.mark.django_db(transaction=True)
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True)
class Request:
    """A POST; `pks` and `data` name rows of `Rows`."""

    name: str
    permission: Permission
    pks: tuple[str, ...] = ()
    data: dict[str, str] = field(default_factory=dict)


EDIT, SEND, MANAGE = Permission.EDIT_CONTACTS, Permission.SEND, Permission.MANAGE_SENDING
REQUESTS = [
    Request("count_bounce", EDIT, ("unproven",)),
    Request("dismiss_bounce", EDIT, ("unproven",)),
    Request("not_a_bounce", EDIT, ("counted",)),
    Request("is_a_bounce", EDIT, ("counted",)),
    Request("count_unproven", EDIT, data={"until": "unproven"}),
    Request("dismiss_unproven", EDIT, data={"until": "unproven"}),
    Request("retry_failed", SEND, ("campaign",), {"query": "state=failed", "confirmed": "1"}),
    Request("decide_run", SEND, ("campaign", "run"), {"do": "keep"}),
    Request("switch_mailbox", MANAGE, ("mailbox",)),
]
# Pages and files, with the permission that each needs.
PAGES = [
    *((name, Permission.VIEW, ()) for name in ("bounces", "lists", "imports")),
    *((name, Permission.VIEW, ("campaign",)) for name in ("recipients", "left_out", "clicks")),
    *((name, Permission.VIEW, ("unproven",)) for name in ("bounce", "bounce_source")),
    *((name, Permission.VIEW, ("relay",)) for name in ("relay_answers", "relay_today")),
    *((f"export_{name}", Permission.EXPORT, ("campaign",)) for name in ("recipients", "left_out")),
    ("mailbox", MANAGE, ("mailbox",)),
]


@pytest.fixture
def rows(
    start: Callable[..., Campaign], send: Callable[[], None], workspace: Workspace
) -> dict[str, int]:
    """A failed recipient, a run of refusals, an unproven report and one that counted."""
    campaign = start("gets@x.example", "spam@x.example")
    send()
    failed = Message.objects.get(address="spam@x.example")
    box = BounceMailbox.objects.create(workspace=workspace, name="Box", host="x.example")
    mails = [
        BounceMail.objects.create(
            mailbox=box,
            uid_validity=1,
            uid=uid,
            raw=b"Subject: x\n\nx",
            state=state,
            kind=kind,
            message=Message.objects.get(address="gets@x.example"),
        )
        for uid, (state, kind) in enumerate(
            (("unproven", "hard_bounced"), ("processed", "hard_bounced")), 1
        )
    ]
    run = Hold.objects.create(
        mailing=failed.mailing,
        relay=Relay.objects.get(),
        kind="lane",
        lane="x.example",
        reason="policy",
        refused=1,
        decided=1,
        since=failed.mailing.opened_at,
    )
    return {
        "campaign": campaign.pk,
        "unproven": mails[0].pk,
        "counted": mails[1].pk,
        "mailbox": box.pk,
        "relay": run.relay_id,
        "run": run.pk,
    }


def post(client: Client, asked: Request, rows: dict[str, int], slug: str = "brand") -> int:
    url = reverse(asked.name, args=[slug, *(rows[name] for name in asked.pks)])
    if asked.name == "is_a_bounce":
        moment = timezone.now().isoformat()
        url += f"?token={signing.dumps([rows['counted'], 'soft_bounced', moment], salt=UNDO_SALT)}"
    data = {name: rows.get(value, value) for name, value in asked.data.items()}
    return client.post(url, data).status_code


def everything() -> list[object]:
    """What these requests change."""
    return [
        list(BounceMail.objects.order_by("pk").values_list("pk", "state", "kind")),
        list(Suppression.objects.order_by("pk").values_list("pk", "lifted_at")),
        list(Message.objects.order_by("pk").values_list("pk", "state", "reason")),
        list(Hold.objects.order_by("pk").values_list("pk", "decision")),
        list(BounceMailbox.objects.order_by("pk").values_list("pk", "active")),
    ]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.mark.parametrize("role", list(Role))
def test_a_role_does_what_it_may_and_nothing_else(
    role: Role, rows: dict[str, int], workspace: Workspace, make_member: Callable[..., User]
) -> None:
    client = client_of(make_member(workspace, role))
    for name, permission, pks in PAGES:
        url = reverse(name, args=["brand", *(rows[pk] for pk in pks)])
        assert client.get(url).status_code == (200 if allows(role, permission) else 403), name
    for asked in REQUESTS:
        before = everything()
        status = post(client, asked, rows)
        changed = everything() != before
        if allows(role, asked.permission):
            assert status == 302, asked.name
            assert changed, asked.name
        else:
            assert (status, changed) == (403, False), asked.name
        if changed:  # each request finds the rows as they were
            BounceMail.objects.filter(pk=rows["unproven"]).update(state="unproven")
            BounceMail.objects.filter(pk=rows["counted"]).update(kind="hard_bounced")


def test_others_change_nothing_and_see_nothing(
    rows: dict[str, int], other_workspace: Workspace, make_member: Callable[..., User]
) -> None:
    """The owner of another workspace, under both names; and nobody."""
    stranger = client_of(make_member(other_workspace))
    before = everything()
    for asked in REQUESTS:
        assert post(stranger, asked, rows) == 404, asked.name
        # Without a row in its address a request is about the workspace's own.
        assert post(stranger, asked, rows, "other") == (404 if asked.pks else 302), asked.name
        assert post(Client(), asked, rows) == 302, asked.name
    for name, _permission, pks in PAGES:
        given = [rows[pk] for pk in pks]
        assert stranger.get(reverse(name, args=["brand", *given])).status_code == 404, name
        if pks:
            assert stranger.get(reverse(name, args=["other", *given])).status_code == 404, name
        answer = Client().get(reverse(name, args=["brand", *given]))
        assert answer.headers["Location"].startswith("/login/"), name
    assert everything() == before
