"""Words of status columns: what is certain, what is asked about, and how words are
compared."""

import pytest

from contacts import columns, statuswords
from contacts.statuswords import (
    ASKED,
    BOUNCED,
    COMPLAINED,
    DATE,
    EMPTY,
    FLAGS,
    KINDS,
    OTHER,
    SKIPPED,
    SUBSCRIBED,
    SUPPRESSED,
    UNSUBSCRIBED,
    Vocabulary,
    WordCounts,
    WordReading,
    graver,
)

CERTAIN = [
    (
        "status",
        "subscribed SUBSCRIBED ＳＵＢＳＣＲＩＢＥＤ enabled Active opted-in 已订阅 訂閱",
        SUBSCRIBED,
    ),
    (
        "status",
        "Unsubscribed un-subscribed OPTED_OUT opt.out （已退订） 退訂 取消订阅",
        UNSUBSCRIBED,
    ),
    ("status", "bounced hard_bounce Cleaned 退信", BOUNCED),
    ("status", "complained spam-complaint Abuse 投诉", COMPLAINED),
    ("status", "not_subscribed Non-Subscribed transactional pending 未订阅", SKIPPED),
    ("accepts", "yes Y TRUE 1 1.0 是 同意 ✓ ✔️ subscribed", SUBSCRIBED),
    ("accepts", "no N false 0 0.0 否 declined withdrawn 不同意 拒绝 unsubscribed", UNSUBSCRIBED),
    ("accepts", "never 未同意", SKIPPED),
    (
        "unsubscribed",
        r"NULL null \N - — N/A #N/A (null) nil None NaN 空 无 0 false 否 未退订 [] 0000-00-00",
        SUBSCRIBED,
    ),
    ("unsubscribed", "yes TRUE 1 是 2025-04-01 2025/4/1 20250401 45748 1743501600", UNSUBSCRIBED),
    ("suppressed", "yes 2025-04-01 是", SUPPRESSED),
    ("bounced", "yes 2025-04-01T10:00:00Z hard_bounce", BOUNCED),
    ("complained", "true 1.4.2025", COMPLAINED),
    ("complained", "no NULL", SUBSCRIBED),
]
DOUBTFUL = [
    (
        "status",
        "blocklisted disabled Unconfirmed NEVER_SUBSCRIBED SUPPRESSED invalid yes no gold 1",
    ),
    ("status", "黑名单 已取消订阅 正常 subscribed? !subscribed ~subscribed 2025-04-01"),
    ("status", "✗subscribed 🚫active −subscribed subscribed× subscribed*"),
    ("accepts", "同意× 🚫yes x weekly -1 maybe n/a 2025-04-01 NULL 未知"),
    ("unsubscribed", "1970-01-01 1899-12-30 0001-01-01 maybe 2025-13-45 ? x 3 soon"),
    ("bounced", "soft_bounce 2 maybe"),
]


@pytest.mark.parametrize(("kind", "words", "flag"), CERTAIN)
def test_certain_words(kind: str, words: str, flag: str) -> None:
    read = Vocabulary().read
    assert {word: read(kind, word).flag for word in words.split()} == dict.fromkeys(
        words.split(), flag
    )


@pytest.mark.parametrize(("kind", "words"), DOUBTFUL)
def test_every_other_word_is_asked_about(kind: str, words: str) -> None:
    read = Vocabulary().read
    assert {word: read(kind, word).flag for word in words.split()} == dict.fromkeys(
        words.split(), ASKED
    )


@pytest.mark.parametrize(
    "text",
    [
        "2025-04-01 10:00:00", "Tue, 01 Apr 2025 10:00:00 GMT", "Tue Apr 01 2025 10:00:00 GMT+0800",
        "4/1/25 10:00", "2025年4月1日10:00", "Apr 1, 2025 10:00 AM", "20250401100000", "13/4/2025",
    ],
)  # fmt: skip
def test_a_real_date_says_since_when(text: str) -> None:
    assert Vocabulary().read("unsubscribed", text) == WordReading(DATE, UNSUBSCRIBED)


def test_an_empty_cell_says_nothing_in_a_mark_column_and_is_asked_about_elsewhere() -> None:
    flags = {kind: Vocabulary().read(kind, " \u200b").flag for kind in KINDS}
    others = {"status": ASKED, "accepts": ASKED, "list": SKIPPED}
    assert flags == dict.fromkeys(KINDS, SUBSCRIBED) | others


def test_suggestions_and_answers() -> None:
    assert Vocabulary().read("status", "Marked as spam").suggestion == "complained"
    assert Vocabulary().read("status", "gold").suggestion == ""
    dated = [Vocabulary().read("accepts", cell).suggestion for cell in ("2025-04-01", "")]
    assert dated == ["subscribed", "skip"]
    answered = Vocabulary(
        {("status", "markedasspam"): "unsubscribed", ("status", "active"): "skip"}
    )
    assert answered.read("status", "MARKED_AS_SPAM").flag == UNSUBSCRIBED
    assert answered.read("status", "active").flag == SKIPPED
    assert answered.read("accepts", "marked as spam").flag == ASKED


def test_the_gravest_counts() -> None:
    assert graver(SUBSCRIBED, ASKED) == ASKED
    assert graver(SKIPPED, ASKED) == ASKED
    assert graver(UNSUBSCRIBED, ASKED) == UNSUBSCRIBED
    assert graver(BOUNCED, COMPLAINED) == COMPLAINED == FLAGS[-1]


def test_words_are_counted_within_a_bound() -> None:
    words = WordCounts()
    for number in range(WordCounts.MOST + 50):
        words.count(3, "status", WordReading(f"w{number}", ASKED), f"W{number}")
    words.count(3, "status", WordReading("w1", ASKED), "w1")
    counts = {word.key: word.count for word in WordCounts(words.stored())}
    assert (counts["w1"], counts[OTHER], len(counts)) == (2, 50, WordCounts.MOST + 1)
    assert words.crowded() == [3]
    assert EMPTY not in counts


def guesses(header: str, *rows: str) -> list[str]:
    cells = [line.split(",") for line in (header, *rows)]
    return [column.guess for column in columns.describe(cells, header=True)]


@pytest.mark.parametrize(
    ("header", "cell", "target"),
    [
        ("Status", "subscribed", "status"),
        ("Email Marketing Consent", "NEVER_SUBSCRIBED", "status"),
        ("Newsletter status", "x", "status"),
        ("Kind", "unsubscribed", "status"),
        ("订阅状态", "已订阅", "status"),
        ("GDPR consent", "yes", "accepts"),
        ("是否同意接收邮件", "否", "accepts"),
        ("Unsubscribed on", "2025-04-01", "unsubscribed"),
        ("Email opt-out", "1", "unsubscribed"),
        ("退订日期", "2025-04-01", "unsubscribed"),
        ("EMAIL_BLACKLISTED", "no", "suppressed"),
        ("Do not contact", "1", "suppressed"),
        ("Bounced at", "2025-04-01", "bounced"),
        ("Marked as spam", "1", "complained"),
        ("State", "Ohio", "new:province:text"),
        ("Soft bounces", "2", "new:soft_bounces:number"),
        ("Unsubscribe reason", "too many", ""),
        ("CLEAN_TIME", "2025-04-01", "bounced"),
        ("Email hard bounce reason", "UNKNOWN_USER", "bounced"),
        ("dnc_reason", "2", "suppressed"),
        ("Email address quarantine reason", "x", "suppressed"),
        ("Do not allow Bulk Emails", "Do Not Allow", "suppressed"),
        ("Email disabled", "true", "suppressed"),
        ("Stop mailing", "x", "suppressed"),
        ("无效地址", "是", "bounced"),
        ("举报时间", "2025-04-01", "complained"),
        ("Send Marketing Materials", "Do Not Send", "accepts"),
        ("subscribed_to_emails", "false", "accepts"),
        ("consents", "{}", "accepts"),
        ("Liste noire", "oui", "suppressed"),
        ("Statut", "x", "status"),
        ("Fecha de baja", "01/02/2024", "unsubscribed"),
        ("配信状況", "解除", "status"),
        ("수신거부", "예", "unsubscribed"),
        ("Статус", "отписался", "status"),
        ("Accept terms", "no", "new:accept_terms:boolean"),
        ("SMS Marketing Consent", "UNSUBSCRIBED", "new:sms_marketing_consent:text"),
    ],
)
def test_headers_that_say_how_people_stand(header: str, cell: str, target: str) -> None:
    assert guesses(f"email,{header}", f"a@b.example,{cell}") == ["email", target]


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        ("Excluded|Blocked|Removed from list|Kein Newsletter", "unsubscribed"),
        ("Ne pas contacter|拉黑|拒绝接收", "unsubscribed"),
        ("Email invalid", "bounced"),
        ("Marked spam", "complained"),
        ("OK to email|Mailing list|Consent given|Newsletter abonniert", "accepts"),
        ("接受营销|愿意接收|订阅电子报", "accepts"),
        ("Active|Is enabled|是否有效|Premium subscription", "status"),
    ],
)
def test_headers_over_a_yes_and_a_no(headers: str, target: str) -> None:
    for header in headers.split("|"):
        assert guesses(f"email,{header}", "a@b.example,Yes", "b@b.example,No")[1] == target, header


@pytest.mark.parametrize(
    ("header", "first"),
    [("Exclusive member", "yes"), ("Email verified", "yes"), ("Active", "2 orders"), ("VIP", "1")],
)
def test_other_columns_are_attributes(header: str, first: str) -> None:
    guess = guesses(f"email,{header}", f"a@b.example,{first}", "b@b.example,no")[1]
    assert guess.startswith("new:"), guess


@pytest.mark.parametrize(
    ("header", "words", "target"),
    [
        ("State", "Active Unsubscribed Bounced Deleted Unconfirmed", "status"),
        ("state", "active cancelled complained inactive", "status"),
        ("State", "active active", "status"),
        ("Estado", "Suscrito Baja", "status"),
        ("State", "Ohio Texas unsubscribed", "new:province:text"),
        ("VIP", "yes no", "new:vip:boolean"),
        ("Stage", "new lead", "new:stage:text"),
        ("상황", "구독취소 구독", "status"),
    ],
)
def test_the_words_of_a_column_say_how_people_stand(header: str, words: str, target: str) -> None:
    rows = [f"{n}@b.example,{word}" for n, word in enumerate(words.split())]
    assert guesses(f"email,{header}", *rows) == ["email", target]


def test_words_that_only_a_status_column_has_go_before_an_attribute_of_its_name() -> None:
    known = [columns.KnownAttribute("province", "State", "text")]
    rows = [["email", "State"], ["a@b.example", "Active"], ["b@b.example", "Unsubscribed"]]
    assert columns.describe(rows, header=True, known=known)[1].guess == "status"


def test_several_columns_may_say_it() -> None:
    assert guesses("email,status,opt out,unsubscribed_at", "a@b.example,active,0,NULL") == [
        "email", "status", "unsubscribed", "unsubscribed",
    ]  # fmt: skip


def test_an_attribute_named_status_keeps_its_values() -> None:
    known = [columns.KnownAttribute("status", "Status", "text")]
    for cell, target in (("gold", "attribute:status"), ("unsubscribed", "status")):
        rows = [["email", "Status"], ["a@b.example", cell]]
        assert columns.describe(rows, header=True, known=known)[1].guess == target


def test_our_own_export_is_recognised() -> None:
    header = (
        "email,first_name,last_name,city,status,status_reason,status_at,list: News,last_sent_at,"
        "last_opened_at,last_clicked_at"
    )
    row = "a@b.example,Ann,Li,Oslo,subscribed,,2025-01-01,unsubscribed,2025-01-01,,"
    assert guesses(header, row) == [
        "email", "first_name", "last_name", "new:city:text", "status", "", "", "list", "", "", "",
    ]  # fmt: skip


LEFT_ABROAD = (
    "Abgemeldet; abbestellt; Désabonnée; Désinscrit; Dado de baja; Desuscrita; Disiscritto; "
    "Descadastrado; Uitgeschreven; Afgemeld; Отписан; 配信停止; 退会; 수신거부; 구독취소; 拒收"
)


@pytest.mark.parametrize("word", LEFT_ABROAD.split("; "))
def test_who_left_in_another_language_is_not_subscribed(word: str) -> None:
    """Whatever the column's name is: its words are asked about, and what they mean is suggested."""
    assert guesses("email,Kontaktstatus", f"a@b.example,{word}") == ["email", "status"]
    reading = Vocabulary().read("status", word)
    assert (reading.flag, reading.suggestion) == (statuswords.ASKED, "unsubscribed")


@pytest.mark.parametrize(
    "note", ["Kunde, abgemeldet am 3.5.", "désabonné en mars", "uitgeschreven?", "2月に退会"]
)
def test_a_note_that_speaks_of_leaving_in_another_language(note: str) -> None:
    rows = [["email", "Notiz"], ["a@b.example", note]]
    assert columns.describe(rows, header=True)[1].leaving == note


def test_words_for_nearly_the_same_are_no_status() -> None:
    for cell in ("angemeldet", "inscription ouverte", "Abonnement", "scritto"):
        assert not statuswords.is_status_word(cell), cell
