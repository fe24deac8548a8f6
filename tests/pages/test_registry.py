"""How apps register with apps on their left (pages.registry)."""

import pytest
from django.apps import apps
from django.conf import settings
from django.utils.module_loading import autodiscover_modules, module_has_submodule

from pages.exceptions import RegisteredTwiceError
from pages.registry import MODULES, Registry

OURS = [one for one in apps.get_app_configs() if (settings.ROOT / one.name).is_dir()]


def test_items_come_by_order_and_then_as_they_were_added() -> None:
    words: Registry[str] = Registry()
    words.add("second", order=2)
    words.add("first", order=1)
    words.add("also second", order=2)
    assert list(words) == ["first", "second", "also second"]


def test_what_comes_twice_is_there_once() -> None:
    words: Registry[str] = Registry()
    words.add("one")
    words.add("one")
    assert list(words) == ["one"]


def test_a_key_of_two_things_is_an_error() -> None:
    words: Registry[str] = Registry(key=len)
    words.add("one")
    with pytest.raises(RegisteredTwiceError, match="3 is registered twice: as 'one' and as 'two'"):
        words.add("two")
    assert words[3] == "one"


def test_a_key_is_replaced_where_that_is_said() -> None:
    words: Registry[str] = Registry()
    words.add("one", key="number", order=7)
    words.add("last", order=8)
    words.add("two", key="number", order=9, replace=True)
    assert list(words) == ["last", "two"]


def test_a_decorator_registers_under_a_key() -> None:
    makers: Registry[object] = Registry()

    @makers.under("a")
    def make() -> None: ...

    assert makers.get("a") is make
    assert "a" in makers
    assert makers.get("b") is None


@pytest.mark.parametrize("name", MODULES)
def test_each_module_of_the_list_is_in_an_app(name: str) -> None:
    assert any(module_has_submodule(one.module, name) for one in OURS)


def test_nothing_else_loads_what_apps_register() -> None:
    """`relays` reads the operator's files at the start."""
    assert {one.name for one in OURS if "ready" in vars(type(one))} == {"pages", "relays"}


def test_a_second_load_registers_nothing_twice() -> None:
    autodiscover_modules(*MODULES)
