"""Whose recipients share one pace: ours, and the operator's before them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relays import apps, providers
from relays.providers import ProviderError

OWN = """
[[provider]]
key = "qq"
domains = ["qq.com", "corp.example"]

[[provider]]
key = "ours"
number = 1000
name = "Our group"
domains = ["Group.example", "gmail.com"]
"""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    providers.use("")


def test_ours_have_each_domain_and_number_once() -> None:
    ours = providers.read(Path(providers.__file__).with_suffix(".toml"))
    domains = [domain for one in ours for domain in one.domains]
    assert len(domains) == len(set(domains))
    assert all(domain == domain.lower() and "." in domain for domain in domains)
    assert providers.lane_name(6, "a@foxmail.com") == "qq"
    assert providers.lane_name(providers.OTHERS, "a@Corp.example") == "corp.example"
    assert providers.lane_number("netease") == 7
    assert providers.lane_number("corp.example") == providers.OTHERS
    assert (providers.label("gmail"), providers.label("corp.example")) == ("Gmail", "corp.example")


def test_the_operators_own_come_first(tmp_path: Path) -> None:
    path = tmp_path / "providers.toml"
    path.write_text(OWN)
    providers.use(str(path))
    numbers = providers.numbers()
    # A key of ours keeps its number and loses what the operator doesn't name.
    assert (numbers["qq.com"], numbers["corp.example"]) == (6, 6)
    assert "foxmail.com" not in numbers
    assert (numbers["group.example"], numbers["gmail.com"]) == (1000, 1000)
    assert numbers["googlemail.com"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[provider]]\nkey = 'x'\nnumber = 5\ndomains = ['x.example']", "from 1000 to 32767"),
        ("[[provider]]\nkey = 'x'\nnumber = 1000", "domains"),
        ("what", "providers.toml: "),
        (OWN + OWN, "the same number"),
    ],
)
def test_a_wrong_file_stops_the_start(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "providers.toml"
    path.write_text(text)
    with pytest.raises(ProviderError, match=said):
        providers.use(str(path))
    with pytest.raises(SystemExit, match="YANSHU_MAIL_PROVIDERS"):
        apps.use_providers(str(path))
