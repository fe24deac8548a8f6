"""Providers' files: all can be used, and a wrong one is refused with a sentence."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from relays import providers
from relays.providers import mailboxproviders, mailproviders, presets, reading, replyrules
from relays.providers.reading import HERE, ProviderError
from smtp import replies
from smtp.replies.rules import Rules
from smtp.replies.ruleset import rule_set

ROOT = HERE.parent.parent
READERS = (
    presets.presets,
    mailproviders.ours,
    mailboxproviders.mailbox_providers,
    replyrules.sections,
    replyrules.reply_rules,
)


def test_every_file_is_read_and_has_a_use() -> None:
    files = {path.stem for path in HERE.glob("*.toml")}
    assert {one.key for one in reading.files()} == files
    used = {one.key for one in replyrules.sections()} | set(presets.presets())
    used |= {one.key for one in mailproviders.ours()} | set(mailboxproviders.mailbox_providers())
    assert used == files


def test_numbers_domains_and_places_are_given_once() -> None:
    mail = mailproviders.ours()
    _once(one.number for one in mail)
    _once(domain for one in mail for domain in one.domains)
    _once((one.group, one.order) for one in presets.presets().values())
    _once(one.order for one in mailboxproviders.mailbox_providers().values())
    _once(one.order for one in replyrules.sections())


def test_rules_have_a_name_and_a_source_of_their_own() -> None:
    ours = replyrules.reply_rules()
    assert [rule.name for rule in ours.rules if not rule.source] == []
    assert all(rule.name.startswith(f"{rule.provider}.") for rule in ours.rules)
    rules = {rule for some in rule_set().rules.values() for rule in some}
    _once(rule.name for rule in rules)
    assert {rule.provider for rule in rules} <= {sign.key for sign in rule_set().signs} | {""}


def test_addresses_of_pages_are_https() -> None:
    for path in HERE.glob("*.toml"):
        urls = re.findall(r"\w+://[^\s\"']+", path.read_text(encoding="utf-8"))
        assert all(url.startswith("https://") for url in urls), path.name


def test_code_names_no_provider() -> None:
    """What is done for one provider stands in its file."""
    keys = {one.key for one in reading.files()} - {"own"}
    named = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value}"
        for app in ("smtp", "relays", "sending", "bounces", "campaigns")
        for path in (ROOT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in keys
    ]
    assert named == []


def _once(given: Iterator[Any]) -> None:
    assert [one for one, times in Counter(given).items() if times > 1] == []


# A wrong file -------------------------------------------------------------------------------------

RELAY = """
name = "New"
[relay]
group = "campaigns"
order = 999
host = "smtp.new.example"
port = 587
security = "starttls"
envelope = "from"
url = "https://new.example/smtp"
login.en = "The user is the account."
login.zh = "用户名是账号。"
sources = ["https://new.example/limits"]
date = "2026-11"
"""
MAIL = 'name = "New"\n[mail]\nnumber = 900\ndomains = ["new.example"]\n'
MAILBOX = """
name = "New"
[mailbox]
order = 999
note.en = "Make a password."
note.zh = "请生成密码。"
imap = { host = "imap.new.example", port = 993, security = "tls" }
"""
REPLIES = """
name = "New"
[replies]
order = 999
sign = 'new\\.example'
[[replies.rule]]
name = "busy"
meaning = "rate"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where providers' files are looked for."""
    monkeypatch.setattr(reading, "HERE", tmp_path)
    _forget()
    yield tmp_path
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for kept in (
        reading.files,
        presets.presets,
        mailproviders.ours,
        mailboxproviders.mailbox_providers,
    ):
        kept.cache_clear()
    replyrules.sections.cache_clear()
    mailproviders.use("")
    replies.use(own=Rules())


def _read(folder: Path, toml: str, name: str = "new") -> None:
    (folder / f"{name}.toml").write_text(toml, encoding="utf-8")
    for reader in READERS:
        reader()


def test_a_new_file_is_all_that_a_new_provider_needs(folder: Path) -> None:
    _read(folder, RELAY + MAIL[13:] + MAILBOX[14:] + REPLIES[14:])
    assert presets.presets()["new"].name == "New"
    assert providers.numbers() == {"new.example": 900}
    assert mailboxproviders.mailbox_providers()["new"].imap.host == "imap.new.example"
    assert [rule.name for rule in replyrules.reply_rules().rules] == ["new.busy"]


@pytest.mark.parametrize(
    ("toml", "old", "new", "says"),
    [
        (RELAY, 'name = "New"', 'name.en = "New"', "new.toml: name is missing: give name.en and"),
        (RELAY, 'name = "New"', "name = 5", "new.toml: name is missing"),
        (RELAY, "[relay]", "[relais]", "new.toml: relais is no field; there are: mail, mailbox,"),
        (RELAY, RELAY, 'name = "New"', "new.toml has none of [relay], [mail], [mailbox], [rep"),
        (RELAY, RELAY, 'name = "New"\nrelay = 1', "new.toml: [relay] must be a table."),
        (RELAY, "host", "hots", "new.toml: [relay] host must be a text in quotation marks."),
        (RELAY, "order = 999", 'order = "last"', "[relay] order must be a number from 1 to"),
        (RELAY, "587", "70000", "new.toml: [relay] port must be a number from 1 to 65535."),
        (RELAY, '"starttls"', '"ssl"', "security must be one of: none, starttls, tls."),
        (RELAY, '"from"', '"mine"', "envelope must be one of: verp, fixed, from."),
        (RELAY, '"campaigns"', '"bulk"', "group must be one of: campaigns, own, office."),
        (RELAY, "date", "per_hour = 0\ndate", "per_hour must be a number from 1 to"),
        (RELAY, "date", "per_second = -0.5\ndate", "per_second must be a number above 0."),
        (RELAY, "date", 'own_address = "no"\ndate', "own_address must be true or false."),
        (RELAY, "date", "per_week = 9\ndate", "[relay] per_week is no field; there are: conn"),
        (RELAY, "https://new.example/smtp", "http://new.example", "url must lead to the prov"),
        (RELAY, "login.zh", "login.de", "login is missing: give login.en and login.zh."),
        (RELAY, "用户名是账号。", "", "login must not be empty in any language."),
        (RELAY, '["https://new.example/limits"]', "[]", "sources must name pages (https://...)"),
        (RELAY, "https://new.example/limits", "their page", "sources must name pages"),
        (RELAY, "sources", "#", "sources must be a list of texts"),
        (RELAY, "2026-11", "2026-13", 'date must be the month of reading: "2026-11".'),
        (MAIL, "900", "1000", "new.toml: [mail] number must be a number from 1 to 999."),
        (MAIL, '["new.example"]', '"new.example"', "domains must be a list of texts"),
        (MAIL, '"new.example"', '"localhost"', 'domains must be domains: ["example.com"].'),
        (MAILBOX, "imap = ", "pop3 = ", "new.toml: [mailbox] imap is missing."),
        (MAILBOX, '"tls"', '"none"', "[mailbox] imap security must be one of: tls, starttls."),
        (MAILBOX, "port", "prot", "[mailbox] imap port must be a number from 1 to 65535."),
        (MAILBOX, "imap", "pop3 = { host = 'x', port = 995, security = 'tls' }\nimap", "sources"),
        (REPLIES, "sign", "#", "new.toml: [replies] provider 'new': give it a sign"),
        (REPLIES, "new\\.example", "a+", "[replies] provider 'new': the sign has + without"),
        (REPLIES, '"rate"', '"slow"', "[replies] rule 'busy': the meaning is one of address,"),
        (REPLIES, "meaning", "provider = 'new'\nmeaning", "unknown field 'provider'; there are"),
        (REPLIES, '"busy"', '"Busy"', "[replies] rule 1: give it a name in small letters"),
        (REPLIES, "[[replies.rule]]", "[replies.rule]", "write each rule as [[rule]]"),
        (REPLIES, "order", "signs = 1\norder", "[replies] signs is no field; there are: name,"),
        (REPLIES, "order", "[order", "this is no TOML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(
    folder: Path, toml: str, old: str, new: str, says: str
) -> None:
    assert old in toml
    with pytest.raises(ProviderError) as caught:
        _read(folder, toml.replace(old, new, 1))
    assert says in str(caught.value)
    assert "new.toml" in str(caught.value)


def test_the_example_of_the_docs_is_right(folder: Path) -> None:
    page = (ROOT / "docs/developers/providers.md").read_text(encoding="utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    _read(folder, example, "new_mail")
    assert [rule.name for rule in replyrules.reply_rules().rules] == ["new_mail.no-such-user"]
    assert presets.presets()["new_mail"].per_second == 14
    assert mailboxproviders.mailbox_providers()["new_mail"].pop3 is not None


def test_explaining_a_reply_names_what_is_wrong(folder: Path) -> None:
    (folder / "new.toml").write_text(REPLIES.replace("order", "ordre"), encoding="utf-8")
    replies.use(own=Rules())
    with pytest.raises(CommandError, match=r"new\.toml: \[replies\] order must be a number"):
        call_command("explain_reply", "421 4.7.1 Later")


def test_a_files_name_is_its_key(folder: Path) -> None:
    with pytest.raises(ProviderError, match=r"New-one\.toml: use small letters, digits and _"):
        _read(folder, MAIL, "New-one")
