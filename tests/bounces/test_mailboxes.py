"""The pages of bounce mailboxes and bounces."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts import secrets
from accounts.models import User, Workspace
from accounts.permissions import Role
from bounces.models import BounceMail, BounceMailbox
from bounces.services import collecting
from contacts.models import Suppression
from relays import verp
from sending.compose.tokens import make as token
from sending.models import Message
from tests import figures
from tests.bounces import returns
from tests.mailservers.imap import PASSWORD, USER, Imap

Sent = Callable[..., list[Message]]


def values(imap: Imap, **changed: object) -> dict[str, object]:
    return {
        "name": "Returns",
        "host": "127.0.0.1",
        "port": imap.port,
        "security": "none",
        "username": USER,
        "password": PASSWORD,
        "folder": "INBOX",
        "after": "move",
        "move_to": "Yanshu",
        "active": "on",
    } | changed


@pytest.fixture
def own(mailbox: BounceMailbox) -> BounceMailbox:
    """The mailbox, as one that a person added."""
    mailbox.managed_by = ""
    mailbox.save()
    return mailbox


@pytest.fixture
def bounced(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> BounceMail:
    (message,) = sent("gone@receiver.example")
    to = verp.address("bounces@brand.example", token(message.pk))
    imap.append(
        returns.dsn("gone@receiver.example", to=to, words="550 5.1.1 <b>No</b> such user & so on")
    )
    collecting.collect(mailbox.pk)
    return BounceMail.objects.get()


def test_added_with_its_password_encrypted(owner_client: Client, imap: Imap) -> None:
    answer = owner_client.post("/w/brand/mailboxes/new/", values(imap), follow=True)
    assert "The mailbox Returns was added." in answer.content.decode()
    one = BounceMailbox.objects.get(name="Returns")
    assert PASSWORD.encode() not in bytes(one.password or b"")
    assert secrets.decrypt(one.password) == PASSWORD
    for page in ("", "edit/"):
        assert (
            PASSWORD not in owner_client.get(f"/w/brand/mailboxes/{one.pk}/{page}").content.decode()
        )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"password": ""}, "Enter the password."),
        ({"move_to": ""}, "Enter the folder that bounces are moved to."),
        ({"move_to": "inbox"}, "Choose another folder than the one that is read."),
        ({"host": "169.254.169.254"}, "169.254.169.254 is an address for the machine itself"),
        ({"port": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said(
    owner_client: Client, imap: Imap, changed: dict[str, object], words: str
) -> None:
    answer = owner_client.post("/w/brand/mailboxes/new/", values(imap, **changed))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not BounceMailbox.objects.exists()


def test_provider_fills_the_form(owner_client: Client) -> None:
    page = owner_client.get("/w/brand/mailboxes/new/?provider=exmail").content.decode()
    assert 'value="imap.exmail.qq.com"' in page
    assert "authorization code" in page


def test_stored_password_goes_to_no_other_server(
    owner_client: Client, imap: Imap, own: BounceMailbox
) -> None:
    url = f"/w/brand/mailboxes/{own.pk}/"
    kept = values(imap, name="Bounces", password="")
    owner_client.post(f"{url}edit/", kept | {"folder": "Junk"})
    own.refresh_from_db()
    assert own.folder == "Junk"
    assert secrets.decrypt(own.password) == PASSWORD
    for changed in ({"host": "localhost"}, {"username": "other@brand.example"}, {"port": 143}):
        for way in ("edit/", "try/"):
            answer = owner_client.post(url + way, kept | changed).content.decode()
            assert "Enter the password again: it was stored for another server or user." in answer
    own.refresh_from_db()
    assert own.host == "127.0.0.1"


def test_another_folder_is_read_from_its_beginning(
    owner_client: Client, imap: Imap, own: BounceMailbox
) -> None:
    BounceMailbox.objects.update(uid_validity=5, next_uid=77, error="login", error_words="Old.")
    kept = values(imap, name="Bounces", password="")
    owner_client.post(f"/w/brand/mailboxes/{own.pk}/edit/", kept | {"folder": "Junk"})
    own.refresh_from_db()
    assert (own.uid_validity, own.next_uid) == (None, 1)
    assert (own.error, own.error_words) == ("", "")


@pytest.mark.slow
def test_trial_of_what_is_typed(owner_client: Client, imap: Imap) -> None:
    imap.append(returns.LETTER)
    page = owner_client.post("/w/brand/mailboxes/try/", values(imap)).content.decode()
    assert "Connected and logged in. There is 1 mail in INBOX." in page
    assert "A test mail was moved to Yanshu and removed again. Nothing else was changed." in page
    assert [raw for raw, _flags in imap.contents().values()] == [returns.LETTER]
    assert imap.contents("Yanshu") == {}
    answer = owner_client.post("/w/brand/mailboxes/try/", values(imap, after="delete"))
    assert "A test mail was put there and deleted again." in answer.content.decode()
    assert [raw for raw, _flags in imap.contents().values()] == [returns.LETTER]
    wrong = values(imap, password="guessed")
    page = owner_client.post("/w/brand/mailboxes/try/", wrong).content.decode()
    assert "The server refuses this user and password." in page
    missing = values(imap, folder="Nowhere")
    page = owner_client.post("/w/brand/mailboxes/try/", missing).content.decode()
    assert "There is no such folder in this mailbox." in page
    assert "INBOX" in page
    assert not BounceMailbox.objects.exists()


def test_trial_of_what_is_stored(owner_client: Client, mailbox: BounceMailbox) -> None:
    page = owner_client.post(f"/w/brand/mailboxes/{mailbox.pk}/try/").content.decode()
    assert "Connected and logged in." in page


def test_error_is_shown_in_the_readers_language(
    owner_client: Client, mailbox: BounceMailbox
) -> None:
    BounceMailbox.objects.update(password=secrets.encrypt("wrong"))
    collecting.collect(mailbox.pk)
    page = owner_client.get("/w/brand/mailboxes/").content.decode()
    assert "The server refuses this user and password." in page
    chinese = owner_client.get("/w/brand/mailboxes/", headers={"accept-language": "zh-hans"})
    assert "服务器拒绝了这个用户名和密码" in chinese.content.decode()


def test_switch_and_hurry(owner_client: Client, mailbox: BounceMailbox) -> None:
    collecting.collect(mailbox.pk)
    assert collecting.due() == []
    owner_client.post(f"/w/brand/mailboxes/{mailbox.pk}/collect/")
    assert collecting.due() == [mailbox.pk]
    owner_client.post(f"/w/brand/mailboxes/{mailbox.pk}/switch/")
    assert collecting.due() == []
    owner_client.post(f"/w/brand/mailboxes/{mailbox.pk}/switch/")
    assert collecting.due() == [mailbox.pk]


def test_sandbox_is_not_edited(owner_client: Client, mailbox: BounceMailbox) -> None:
    assert owner_client.get(f"/w/brand/mailboxes/{mailbox.pk}/edit/").status_code == 404
    assert owner_client.post(f"/w/brand/mailboxes/{mailbox.pk}/delete/").status_code == 404


def test_deleting_keeps_suppressions(owner_client: Client, bounced: BounceMail) -> None:
    BounceMailbox.objects.update(managed_by="")
    answer = owner_client.post(f"/w/brand/mailboxes/{bounced.mailbox_id}/delete/", follow=True)
    assert "Bounces and 1 kept mail are forgotten." in answer.content.decode()
    assert not BounceMail.objects.exists()
    assert Suppression.objects.filter(lifted_at=None).count() == 1


# Bounces -----------------------------------------------------------------------------------------


def test_list_and_its_filters(owner_client: Client, bounced: BounceMail) -> None:
    page = owner_client.get("/w/brand/bounces/").content.decode()
    for words in ("gone@receiver.example", "Hard bounce", "By the bounce address of the message"):
        assert words in page
    assert "&lt;b&gt;No&lt;/b&gt; such user" in page
    for query, found in (
        ("kind=hard_bounced", True),
        ("kind=soft_bounced", False),
        ("q=gone", True),
        ("q=nobody", False),
        ("state=failed", False),
        (f"mailbox={bounced.mailbox_id}", True),
        ("kind=nonsense&mailbox=x", True),
    ):
        page = owner_client.get(f"/w/brand/bounces/?{query}").content.decode()
        assert ("gone@receiver.example" in page.partition('id="results"')[2]) is found, query


def test_page_shows_the_mail_and_the_reasons(owner_client: Client, bounced: BounceMail) -> None:
    page = owner_client.get(f"/w/brand/bounces/{bounced.pk}/").content.decode()
    for words in (
        "The address does not exist. It gets no more mail.",
        "Final-Recipient: rfc822; gone@receiver.example",
        "gone@receiver.example is suppressed.",
        "&lt;b&gt;No&lt;/b&gt; such user &amp; so on",
        "This is not a bounce",
    ):
        assert words in page, words
    assert "<b>No</b>" not in page
    answer = owner_client.get(f"/w/brand/bounces/{bounced.pk}/source/")
    assert answer.content == bytes(bounced.raw or b"")
    assert answer["Content-Disposition"].startswith("attachment")


def test_not_a_bounce_and_back(owner_client: Client, bounced: BounceMail) -> None:
    url = f"/w/brand/bounces/{bounced.pk}/"
    page = owner_client.post(f"{url}not/", follow=True).content.decode()
    assert "Noted. The address gets mail again" in page
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert "This is not a bounce" not in page
    undo = page.partition(f'action="{url}again/')[2].partition('"')[0]
    assert owner_client.post(f"{url}again/?token=forged").status_code == 400
    owner_client.post(f"{url}again/{undo}".replace("&amp;", "&"))
    assert Suppression.objects.filter(lifted_at=None).count() == 1
    assert BounceMail.objects.get().kind == "hard_bounced"


def test_others_mail_is_not_shown(owner_client: Client, imap: Imap, mailbox: BounceMailbox) -> None:
    imap.append(returns.LETTER)
    collecting.collect(mailbox.pk)
    mail = BounceMail.objects.get()
    assert owner_client.get(f"/w/brand/bounces/{mail.pk}/").status_code == 404
    assert "Nothing came back yet" in owner_client.get("/w/brand/bounces/").content.decode()


def test_what_is_left_in_the_mailbox_is_counted_and_opened(
    owner_client: Client, imap: Imap, mailbox: BounceMailbox, bounced: BounceMail, sent: Sent
) -> None:
    """A bounce that counted, a forged one, and a letter: two are still in the mailbox."""
    (victim,) = sent("victim@receiver.example")
    imap.append(returns.dsn(victim.address), returns.LETTER)
    collecting.collect(mailbox.pk)
    assert len(imap.contents()) == 2
    page = f"/w/brand/mailboxes/{mailbox.pk}/"
    shown = {one.url: one.number for one in figures.on_page(owner_client, page)}
    behind = f"/w/brand/bounces/?mailbox={mailbox.pk}&state="
    assert shown == {
        f"{behind}processed": 1,
        f"{behind}left": 2,
        f"{behind}unproven": 1,
        f"{behind}not_ours": 1,
    }
    assert not figures.differences(owner_client, figures.on_page(owner_client, page))
    letter = owner_client.get(f"{behind}not_ours").content.decode()
    assert "Nothing is kept of it but that it was seen." in letter


def test_viewer_sees_bounces_and_no_mailbox(
    workspace: Workspace, make_member: Callable[..., User], bounced: BounceMail
) -> None:
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    page = client.get(f"/w/brand/bounces/{bounced.pk}/")
    assert "This is not a bounce" not in page.content.decode()
    assert client.post(f"/w/brand/bounces/{bounced.pk}/not/").status_code == 403
    assert client.get("/w/brand/mailboxes/").status_code == 403


def test_stranger_finds_nothing(stranger_client: Client, bounced: BounceMail) -> None:
    for path in (f"bounces/{bounced.pk}/", f"mailboxes/{bounced.mailbox_id}/"):
        assert stranger_client.get(f"/w/other/{path}").status_code == 404
        assert stranger_client.get(f"/w/brand/{path}").status_code == 404


def test_private_servers_can_be_closed(
    owner_client: Client, imap: Imap, smtp_config: Callable[..., None]
) -> None:
    smtp_config(private_servers=False)
    page = owner_client.post("/w/brand/mailboxes/try/", values(imap)).content.decode()
    assert "inside the private network" in page
