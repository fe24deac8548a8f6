"""What apps say to each other without importing to the right: an app on the left keeps a registry,
apps on the right register with it when the site starts."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Registry(Generic[Item]):
    """Items under keys, by `order` and then as they came.

    Without a key an item is its own, so that a module that is loaded twice registers once.
    """

    def __init__(self) -> None:
        self._items: dict[Hashable, tuple[int, Item]] = {}

    def add(self, item: Item, *, key: Hashable | None = None, order: int = 0) -> Item:
        """Returns the item: `add` serves as a decorator. A later item takes the place of one with
        the same key."""
        self._items[item if key is None else key] = (order, item)
        return item

    def __iter__(self) -> Iterator[Item]:
        return iter([item for _, item in sorted(self._items.values(), key=lambda one: one[0])])

    def __getitem__(self, key: Hashable) -> Item:
        """Raises KeyError."""
        return self._items[key][1]

    def get(self, key: Hashable) -> Item | None:
        found = self._items.get(key)
        return found[1] if found else None

    def keys(self) -> list[Hashable]:
        return list(self._items)
