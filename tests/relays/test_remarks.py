"""What the SMTP client says itself, in the reader's language."""

import pytest
from django.utils.translation import override

from pages import reasons
from smtp import remarks
from smtp.envelope import envelope
from smtp.hosts import ForbiddenHostError, check
from smtp.mailobjects import MailObject, Outcome
from smtp.offers import Offers
from smtp.remarks import Remark


@pytest.mark.parametrize("code", remarks.TEXTS)
def test_each_has_its_chinese(code: str) -> None:
    text = remarks.TEXTS[code]
    with override("zh-hans"):
        assert reasons.said(text) != text
    with override("en"):
        assert reasons.said(text) == text


def test_a_refused_server_is_told_with_its_name() -> None:
    with pytest.raises(ForbiddenHostError) as caught:
        check("169.254.169.254", 25)
    with override("zh-hans"):
        said = reasons.said(str(caught.value))
    assert said == "169.254.169.254 是供本机或云平台内部使用的地址，不会是邮件服务器。"


def test_a_remark_that_stands_for_a_reply_keeps_its_code() -> None:
    outcome = envelope(MailObject(1, "news@brand.example", "ann bee", b""), Offers())
    assert isinstance(outcome, Outcome)
    stored = f"{outcome.code} {outcome.words}"
    with override("zh-hans"):
        assert reasons.said(stored) == "501 5.1.3 不是邮件地址：'ann bee'"


def test_why_a_relay_waits_is_told_with_the_remark_in_the_readers_language() -> None:
    late = str(Remark("no_reply", {"command": "DATA", "seconds": "120"}))
    with override("zh-hans"):
        assert reasons.cause("connection", late)[1] == "DATA 在 120 秒内没有回应。"
