"""Lets an app use code of the apps on its right, which it may not import. The app keeps a registry,
and apps on its right register with it at the start, in modules with fixed names (MODULES)."""

from collections.abc import Callable, Hashable, ItemsView, Iterator, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from pages.exceptions import RegisteredTwiceError

Item = TypeVar("Item")

# {module of an app: what it registers}. pages.apps imports these modules of all apps at the start,
# in the order of INSTALLED_APPS.
MODULES: Mapping[str, str] = MappingProxyType(
    {
        "navigation": "entries of the sidebar (pages.navigation)",
        "search": "what Ctrl-K finds (pages.search)",
        "activity": "what runs in the background (pages.activity)",
        "statuses": "the looks of states (pages.statuses)",
        "reasons": "sentences for codes of reasons (pages.reasons)",
        "banners": "what stands on top of every page (pages.banners)",
        "contents": "what is lost with a workspace (accounts.services.workspaces)",
        "jobs": "kinds of jobs (contacts.jobkinds)",
        "sources": "where contacts and suppressions come from (contacts.sources)",
        "timeline": "what happened to a contact (contacts.timeline)",
        "queries.parts": "what an audience is made of (contacts.queries.parts)",
        "queries.mailed": "whether a contact has a mail (contacts.queries.mailed)",
        "queries.conditions": "conditions of segments (contacts.segments.kinds)",
        "queries.engagement": "columns of the export of contacts (contacts.queries.consent)",
        "senders": "sender addresses of a workspace (relays.senders)",
        "steps": "first steps of a workspace (home.todo)",
        "needs": "what waits for a person (home.todo)",
        "hooks": "what an app does, or shows, where apps on its left ask for it",
    }
)


class Registry(Generic[Item]):
    """Items under keys, sorted by `order`, then by the time of registration.

    `key` computes an item's key if `add` gets none. Without both the item is its own key, so that
    the same item is registered once.
    """

    def __init__(self, *, key: Callable[[Item], Hashable] | None = None) -> None:
        self._key = key
        self._items: dict[Hashable, tuple[int, Item]] = {}

    def add(
        self,
        item: Item,
        *,
        key: Hashable | None = None,
        order: int = 0,
        replace: bool = False,
    ) -> Item:
        """Returns the item, so that `add` can be a decorator.

        Raises RegisteredTwiceError if the key has another item, unless `replace`.
        """
        if key is None:
            key = self._key(item) if self._key else item
        known = self._items.get(key)
        if known is not None and known[1] != item and not replace:
            raise RegisteredTwiceError(key, known[1], item)
        self._items[key] = (order, item)
        return item

    def under(
        self, key: Hashable, *, order: int = 0, replace: bool = False
    ) -> Callable[[Item], Item]:
        """A decorator that registers under this key."""

        def register(item: Item) -> Item:
            return self.add(item, key=key, order=order, replace=replace)

        return register

    def __iter__(self) -> Iterator[Item]:
        return iter([item for _, item in sorted(self._items.values(), key=lambda one: one[0])])

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items

    def __getitem__(self, key: Hashable) -> Item:
        """Raises KeyError."""
        return self._items[key][1]

    def get(self, key: Hashable) -> Item | None:
        found = self._items.get(key)
        return found[1] if found else None

    def keys(self) -> list[Hashable]:
        return list(self._items)

    def items(self) -> ItemsView[Hashable, Item]:
        return {key: item for key, (_, item) in self._items.items()}.items()
