"""Banners on top of every page of a workspace. Apps register a contributor in their module
`banners`; it returns a banner as long as its condition holds.

    @banners.contributors.add
    def restored(request): return [banners.Banner(_("The database ..."), url, _("Decide"))]
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise

from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Banner:
    """`url`: the page where the person can act; "" if their role doesn't allow it."""

    text: str | Promise
    url: str = ""
    label: str | Promise = ""


Contributor = Callable[[HttpRequest], Iterable[Banner]]
contributors: Registry[Contributor] = Registry()


def shown(request: HttpRequest) -> list[Banner]:
    return [banner for known in contributors for banner in known(request)]
