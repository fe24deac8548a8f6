"""Domains that are probably typos of a well-known one, and throwaway addresses."""

import pytest

from contacts import domainhints
from relays.providers import mail_providers


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gamil.com", "gmail.com"), ("gmial.com", "gmail.com"), ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"), ("gmsil.com", "gmail.com"), ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"), ("gmail.cmo", "gmail.com"), ("gmail.comm", "gmail.com"),
        ("gmail.om", "gmail.com"), ("qq.con", "qq.com"), ("qq.co", "qq.com"), ("163.co", "163.com"),
        ("163.cmo", "163.com"), ("126.con", "126.com"), ("qq.com.cn", "qq.com"),
        ("163.com.cn", "163.com"), ("foxmial.com", "foxmail.com"), ("hotmial.com", "hotmail.com"),
        ("outlok.com", "outlook.com"), ("yaho.com", "yahoo.com"), ("iclould.com", "icloud.com"),
        ("hotmail.co.ku", "hotmail.co.uk"), ("yahoo.cojp", "yahoo.co.jp"), ("sina.con", "sina.com"),
    ],
)  # fmt: skip
def test_typos(domain: str, meant: str) -> None:
    assert domainhints.meant(domain) == meant


@pytest.mark.parametrize(
    "domain",
    [
        # Short names: one letter makes them somebody else's.
        *("qqq.com", "aq.com", "136.com", "165.com", "138.com", "lists.ru", "line.com", "ms.com"),
        # Other countries.
        *("mail.rs", "gmx.dk", "yahoo.com.tr", "outlook.dk", "live.cam", "web.dk"),
        *("brand.example", "gmail.example", "mygmail.com", "a.b"),
    ],
)
def test_others_are_no_typos(domain: str) -> None:
    assert domainhints.meant(domain) == ""


def test_a_domain_of_a_provider_is_never_a_typo() -> None:
    domains = {domain for provider in mail_providers() for domain in provider.domains}
    assert domainhints.well_known() == domains
    assert {"mail.com", "gmail.com", "ymail.com", "sina.com.cn", "vip.163.com"} <= domains
    assert [one for one in domains if domainhints.meant(one)] == []


@pytest.mark.parametrize("domain", ["mailinator.com", "x.mailinator.com", "grr.la", "bccto.me"])
def test_throwaway_addresses(domain: str) -> None:
    assert domainhints.is_disposable(domain)


@pytest.mark.parametrize("domain", ["notmailinator.com", "gmail.com", "com", "qq.com"])
def test_other_addresses(domain: str) -> None:
    assert not domainhints.is_disposable(domain)


def test_no_throwaway_domain_is_of_a_mail_provider() -> None:
    assert [one for one in domainhints.well_known() if domainhints.is_disposable(one)] == []
