"""What every page of a workspace says on top, as long as it is so: apps register in `ready`.

banners.register(function)     # function(request) -> [banners.Banner("...", url, "Decide")]
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Banner:
    """`url`: where something can be done about it; "" where this person can't."""

    text: str | Promise
    url: str = ""
    label: str | Promise = ""


Provider = Callable[[HttpRequest], Iterable[Banner]]
_providers: list[Provider] = []


def register(function: Provider) -> None:
    if function not in _providers:
        _providers.append(function)


def shown(request: HttpRequest) -> list[Banner]:
    return [banner for known in _providers for banner in known(request)]
