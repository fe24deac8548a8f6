"""The public page of a form, from outside."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Attribute, List
from relays.models import Relay
from signups import throttles
from signups.models import Signup, SignupForm
from tests.signups.conftest import ADDRESS, stamped

pytestmark = pytest.mark.django_db
Send = Callable[..., Any]


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_get_shows_the_form_and_changes_nothing(client: Client, form: SignupForm) -> None:
    page = client.get(f"/f/{form.key}")
    assert "E-mail address" in text(page)
    assert "I can unsubscribe at any time" in text(page)
    assert not page.cookies
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page["Content-Language"] == "en"
    assert client.head(f"/f/{form.key}").status_code == 200
    assert not Signup.objects.exists()


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(client: Client, form: SignupForm, method: str) -> None:
    assert getattr(client, method)(f"/f/{form.key}").status_code == 405


def test_the_reader_s_language(client: Client, form: SignupForm) -> None:
    german = client.get(f"/f/{form.key}", headers={"Accept-Language": "de-AT, en;q=0.5"})
    assert "Ich kann mich jederzeit abmelden" in text(german)
    chosen = client.get(f"/f/{form.key}?lang=ja", headers={"Accept-Language": "de"})
    assert "メールアドレス" in text(chosen)
    SignupForm.objects.update(language="fr")
    fixed = client.get(f"/f/{form.key}", headers={"Accept-Language": "de"})
    assert "Adresse e-mail" in text(fixed)


def test_the_workspace_s_own_texts_are_kept_as_shown(client: Client, form: SignupForm) -> None:
    SignupForm.objects.update(title="<b>Join</b>", consent="I agree to {brand} & all")
    assert "&lt;b&gt;Join&lt;/b&gt;" in text(client.get(f"/f/{form.key}"))
    client.post(f"/f/{form.key}", {"email": ADDRESS, "consent": "on", **stamped(form)})
    assert Signup.objects.get().consent_text == "I agree to {brand} & all"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"email": ""}, "Please fill this in."),
        ({"email": "lan@"}, "This is not a complete e-mail address"),
        ({"email": "a@x.example, b@x.example"}, "This is not a complete e-mail address"),
        ({"email": "x" * 400 + "@x.example"}, "at most 320 characters"),
        ({"consent": ""}, "Please tick the box if you agree."),
        ({"attribute_age": "old"}, "Please enter a number"),
        ({"attribute_born": "3/4/2024"}, "Please enter a date"),
        ({"attribute_city": "Atlantis"}, "Please choose one of the answers."),
        ({"attribute_note": "x" * 1001}, "at most 1000 characters"),
        ({"first_name": ""}, "Please fill this in."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(
    client: Client,
    make_form: Callable[..., SignupForm],
    workspace: Workspace,
    values: dict[str, str],
    words: str,
) -> None:
    for key, kind in (("age", "number"), ("born", "date"), ("city", "choice"), ("note", "text")):
        Attribute.objects.create(
            workspace=workspace, key=key, label=key, type=kind, choices=["Rome"]
        )
    keys = ("age", "born", "city", "note")
    fields: list[dict[str, object]] = [{"key": f"attribute:{key}"} for key in keys]
    one = make_form(fields=[{"key": "first_name", "required": True}, *fields])
    data = {"email": ADDRESS, "consent": "on", "first_name": "Lan <i>", **values, **stamped(one)}
    answer = client.post(f"/f/{one.key}", data)
    assert answer.status_code == 200
    assert words in text(answer)
    assert "Please look at the marked fields." in text(answer)
    assert 'aria-invalid="true"' in text(answer)
    if "first_name" not in values:
        assert "Lan &lt;i&gt;" in text(answer)
    assert not Signup.objects.exists()


def test_a_form_that_is_sent_at_once_is_asked_for_again(client: Client, form: SignupForm) -> None:
    page = text(client.get(f"/f/{form.key}"))
    stamp = page.split('name="stamp" value="')[1].split('"')[0]
    data = {"email": ADDRESS, "consent": "on", "stamp": stamp}
    assert "That was very quick" in text(client.post(f"/f/{form.key}", data))
    assert not Signup.objects.exists()


def test_too_many_from_one_network(
    client: Client, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(throttles.RATES, "signup_ip", "2/h/ip")
    for number in range(2):
        assert send(f"p{number}@x.example", stamp="").status_code == 303
    refused = send("p3@x.example", stamp="")
    assert refused.status_code == 429
    assert "Too many people" in text(refused)
    assert "p3@x.example" in text(refused)
    assert Signup.objects.count() == 2


def test_neighbours_in_one_ipv6_network_count_together(
    client: Client, form: SignupForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(throttles.RATES, "signup_ip", "1/h/ip")

    def status(ip: str) -> int:
        data = {"email": ADDRESS, "consent": "on"}
        return client.post(f"/f/{form.key}", data, REMOTE_ADDR=ip).status_code

    assert status("2001:db8:1:1::1") == 303
    assert status("2001:db8:1:1:ffff::2") == 429
    assert status("2001:db8:1:2::1") == 303
    assert Signup.objects.first().ip == "2001:db8:1:1::1"  # type: ignore[union-attr]


def test_one_address_is_not_stored_without_end(send: Send) -> None:
    answers = {send(stamp="")["Location"] for _ in range(8)}
    assert len(answers) == 1
    assert Signup.objects.count() == 5


def test_a_large_body_is_refused(client: Client, form: SignupForm) -> None:
    assert client.post(f"/f/{form.key}", {"email": "x" * 300_000}).status_code == 413


def test_odd_bodies_are_no_mistake_of_ours(client: Client, form: SignupForm) -> None:
    url = f"/f/{form.key}"
    for body, kind in (
        (b"\xff\xfe%00", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data"),
        (b"&".join(b"a%d=1" % n for n in range(2000)), "application/x-www-form-urlencoded"),
    ):
        assert client.post(url, body, content_type=kind).status_code in {200, 400}


def test_the_redirect_is_the_stored_one_only(client: Client, send: Send) -> None:
    SignupForm.objects.update(redirect_url="https://brand.example/thanks?a=1")
    answer = send(next="https://evil.example/", redirect="https://evil.example/")
    assert answer["Location"] == "https://brand.example/thanks?a=1"
    policy = client.get(f"/f/{SignupForm.objects.get().key}")["Content-Security-Policy"]
    assert "form-action 'self' https://brand.example;" in policy


@pytest.mark.parametrize(
    "change",
    [
        lambda: SignupForm.objects.update(active=False),
        lambda: SignupForm.objects.update(relay=None),
        lambda: Relay.objects.update(archived_at=timezone.now()),
        lambda: Workspace.objects.update(from_email=""),
        lambda: List.objects.update(archived_at=timezone.now()),
    ],
)
def test_a_form_that_is_off_or_can_not_send_says_so(
    client: Client, send: Send, form: SignupForm, change: Callable[[], object]
) -> None:
    change()
    page = client.get(f"/f/{form.key}")
    assert page.status_code == 404
    assert "This form is closed" in text(page)
    assert send().status_code == 404
    assert client.get(f"/f/{form.key}.js").content == b""
    assert not Signup.objects.exists()


def test_an_unknown_key_looks_like_a_closed_form(client: Client, form: SignupForm) -> None:
    assert "This form is closed" in text(client.get(f"/f/{'a' * 22}"))
    assert client.get("/f/short").status_code == 404
    assert client.get(f"/f/{'a' * 23}").status_code == 404


# In foreign pages --------------------------------------------------------------------------------

JSON = {"Accept": "application/json", "Origin": "https://shop.example"}


def post(client: Client, form: SignupForm, **values: str) -> Any:
    data = {"email": ADDRESS, "consent": "on", **stamped(form), **values}
    return client.post(f"/f/{form.key}", data, headers=JSON)


def test_a_script_gets_answers_for_any_page_without_credentials(
    client: Client, form: SignupForm
) -> None:
    done = post(client, form)
    assert done.json()["state"] == "done"
    assert "If this address can get mail" in done.json()["text"]
    assert done["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in done
    wrong = post(client, form, email="x")
    assert list(wrong.json()["errors"]) == ["email"]


def test_other_pages_have_no_such_header(
    owner_client: Client, form: SignupForm, owner: User
) -> None:
    assert "Access-Control-Allow-Origin" not in owner_client.get("/w/brand/lists/", headers=JSON)
    assert "Access-Control-Allow-Origin" not in owner_client.get(f"/f/{form.key}", headers=JSON)


def test_a_script_whose_stamp_is_too_old_gets_a_new_one(client: Client, form: SignupForm) -> None:
    then = timezone.now() - timedelta(hours=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: then)
        old = stamped(form)
    answer = post(client, form, **old).json()
    assert answer["state"] == "again"
    assert answer["stamp"] != old["stamp"]
    assert not Signup.objects.exists()


def test_without_a_script_an_old_stamp_is_as_good_as_none(client: Client, form: SignupForm) -> None:
    then = timezone.now() - timedelta(hours=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: then)
        old = stamped(form)
    assert client.post(f"/f/{form.key}", {"email": ADDRESS, "consent": "on", **old})["Location"]
    signup = Signup.objects.get()
    assert (signup.state, signup.puzzle) == ("unconfirmed", None)


def test_the_script_is_one_file_for_foreign_pages(client: Client, form: SignupForm) -> None:
    SignupForm.objects.update(title="Join '; alert(1) </script>")
    answer = client.get(f"/f/{form.key}.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    script = answer.content.decode()
    assert script.startswith("(globalThis.yanshuForms??=[]).push([{")
    assert f"/f/{form.key}?lang=en" in script
    assert "import" not in script.split("document.currentScript", 1)[1]
