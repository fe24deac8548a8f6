"""Every URL of the site, its address with objects behind it, and what a request to it reads."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import models
from django.http import QueryDict
from django.urls import URLPattern, get_resolver

from tests.browser.walk import patterns

# What `pk` in an address is the key of, by how the address begins; longer ones first.
KEYS = {
    "attributes/": "Attribute",
    "bounces/": "BounceMail",
    "campaigns/": "Campaign",
    "contacts/": "Contact",
    "designs/": "Design",
    "forms/": "SignupForm",
    "imports/mappings/": "SavedMapping",
    "imports/scheduled/": "ScheduledImport",
    "imports/": "Import",
    "invitations/": "Invitation",
    "lists/": "List",
    "segments/": "Segment",
    "mailboxes/": "BounceMailbox",
    "members/": "Membership",
    "relays/pools/": "Pool",
    "relays/": "Relay",
    "sandbox/": "SandboxMail",
    "tags/": "Tag",
    "platform-mails/": "SandboxMail",
    "suppressions/import/": "SuppressionFile",
    "suppressions/": "Suppression",
    "installation/suppressions/": "Suppression",
}
# What reads a parameter by its name.
READERS = ("__getitem__", "__contains__", "get", "getlist", "pop")


def every_url() -> dict[str, URLPattern]:
    return {str(one.name): one for one in patterns(get_resolver()) if one.name}


def arguments(pattern: URLPattern, made: Mapping[str, models.Model]) -> dict[str, str]:
    """Values of the address for what is there."""
    route = str(pattern.pattern).removeprefix("w/<slug:slug>/")
    key = next((name for begin, name in KEYS.items() if route.startswith(begin)), "")
    found = dict.fromkeys(pattern.pattern.converters, "1")
    if "pk" in found:
        found["pk"] = str(made[key].pk)
    return found | ({"slug": "brand"} if "slug" in found else {})


def address(pattern: URLPattern, values: Mapping[str, str]) -> str:
    """Written out, also with values that the address's converters refuse."""
    route = str(pattern.pattern)
    if route.startswith("^"):  # the one regular expression
        return "/password/reset/1-set-password/"
    for name in values:
        end = route.index(f":{name}>") + len(name) + 2
        begin = route.rindex("<", 0, end)
        route = f"{route[:begin]}{values[name]}{route[end:]}"
    return f"/{route}"


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The names of parameters and form fields that are read meanwhile."""
    read: set[str] = set()
    with monkeypatch.context() as patch:
        for reader in READERS:
            patch.setattr(QueryDict, reader, _recording(getattr(QueryDict, reader), read))
        yield read


def _recording(reader: Any, read: set[str]) -> Any:
    def recording(self: QueryDict, name: str, *more: Any, **named: Any) -> Any:
        read.add(name)
        return reader(self, name, *more, **named)

    return recording
