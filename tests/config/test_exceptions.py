"""Each app has one root of its exceptions, in its module `exceptions`."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest
from django.conf import settings

APPS = [
    path.parent.name
    for path in sorted(settings.ROOT.glob("*/exceptions.py"))
    if path.parent.name != "tests"
]


def modules(app: str) -> Iterator[ModuleType]:
    package = import_module(app)
    for found in pkgutil.walk_packages(package.__path__, f"{app}."):
        if ".migrations." not in found.name and not found.name.endswith((".wsgi", ".asgi", ".web")):
            yield import_module(found.name)


def own(app: str) -> set[type[Exception]]:
    return {
        one
        for module in modules(app)
        for _name, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, Exception) and one.__module__ == module.__name__
    }


def test_every_app_that_raises_has_a_root() -> None:
    assert {"smtp", "accounts", "contacts", "designs", "relays", "sending", "bounces"} < set(APPS)
    for path in settings.ROOT.glob("*/__init__.py"):
        app = path.parent.name
        if app not in {*APPS, "tests", "benchmarks", "tools"}:
            assert own(app) == set(), f"{app} has exceptions, but no module `exceptions`"


@pytest.mark.parametrize("app", APPS)
def test_all_exceptions_of_an_app_have_its_root(app: str) -> None:
    exceptions = own(app)
    first = import_module(f"{app}.exceptions")
    [root] = [one for one in exceptions if one.__bases__ == (Exception,)]
    assert root.__module__ == first.__name__
    assert {one for one in exceptions if not issubclass(one, root)} == set()
