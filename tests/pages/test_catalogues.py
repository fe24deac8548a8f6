"""The catalogues say everything, and each thing in one way."""

from pathlib import Path

import pytest
from django.utils.translation import gettext, override

from pages import catalogues


def write(root: Path, app: str, text: str) -> None:
    path = root / app / "locale" / catalogues.LOCALE / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def test_one_string_said_in_two_ways_is_found_unless_a_context_tells_them_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    write(tmp_path, "contacts", 'msgid "From"\nmsgstr "来源"\n\nmsgid "Name"\nmsgstr "名称"\n')
    write(tmp_path, "sending", 'msgid "From"\nmsgstr "发件人"\n\nmsgid "Name"\nmsgstr "名称"\n')
    write(tmp_path, "campaigns", 'msgctxt "campaign"\nmsgid "From"\nmsgstr "发件人"\n')
    assert catalogues.clashes() == ["'From' is said in 2 ways: 来源 (contacts), 发件人 (sending)"]


def test_the_catalogues_agree() -> None:
    assert catalogues.clashes() == []


@pytest.mark.parametrize("app", catalogues.TEMPLATES)
def test_no_catalogue_of_another_program_comes_before_ours(app: str) -> None:
    ours = {
        str(message.id): message.string
        for message in catalogues.read(app)
        if message.id and isinstance(message.id, str) and not message.context and message.string
    }
    with override("zh-hans"):
        assert {words: gettext(words) for words in ours} == ours
