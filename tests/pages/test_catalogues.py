"""The catalogues say everything, and each thing in one way."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from django.utils.translation import gettext, ngettext, npgettext, override, pgettext

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


def _said(message: Message) -> str:
    """As the program looks it up now, of many."""
    if isinstance(message.id, str):
        context = message.context
        return pgettext(context, message.id) if context else gettext(message.id)
    one, many = message.id
    context = message.context
    return npgettext(context, one, many, 5) if context else ngettext(one, many, 5)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("app", catalogues.TEMPLATES)
def test_other_programs_change_nothing_of_what_we_say(app: str, language: str) -> None:
    """Django's and allauth's catalogues have some of our strings, in English too."""
    wrong = {}
    with override(language):
        for message in catalogues.read(app):
            if not message.id:
                continue
            ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
            ours = ids[-1] if language == "en" else catalogues._strings_of(message)[0]
            if (said := _said(message)) != ours:
                wrong[ids[0]] = said
    assert wrong == {}


def test_no_translation_has_a_blank_between_chinese_sentences() -> None:
    blank = re.compile(r"[。！？；] +[\u4e00-\u9fff“{%]")
    assert [
        text
        for app in catalogues.TEMPLATES
        for message in catalogues.read(app)
        if message.id
        for text in catalogues._strings_of(message)
        if blank.search(text)
    ] == []


# Translated word by word, or English that nobody says; both were on the pages once.
UNWANTED = (
    "Make the account", "Ready mails", "Make this list", "stands after the @", "Nothing to mend",
    "Needs you", "Answers go to", "Put on it", "Take off it",
    "资讯通讯", "现成的邮件", "回音", "退回的办法", "未变", "你认识的所有人", "Aliyun",
)  # fmt: skip


@pytest.mark.parametrize("words", UNWANTED)
def test_words_that_were_corrected_stay_away(words: str) -> None:
    assert [
        app
        for app in catalogues.TEMPLATES
        for message in catalogues.read(app)
        if message.id and message.id != "Aliyun"
        for text in (str(message.id), *catalogues._strings_of(message))
        if words in text
    ] == []
