"""The six rules of which a count and a first page are measured."""

from typing import Any

from benchmarks.contacts.scene import Scene

FIRST = 50


def all_rules(scene: Scene) -> dict[str, dict[str, Any]]:
    """{in words: the rule as JSON}"""
    listed = {name: str(one.pk) for name, one in scene.lists.items()}
    return {
        "city is 上海 and clicked in the last 30 days": _all(
            _one("attribute", "city", "is", "上海"), _one("mail", "any", "clicked", 1, 30)
        ),
        "opened at least 2 of the last 5 campaigns": _all(_one("mail", "last_5", "opened", 2)),
        "was sent one of the last 6 and opened none": _all(_one("mail", "last_6", "ignored")),
        "birthday in the next 7 days": _all(_one("attribute", "birthday", "anniversary", 7)),
        "note contains 茶叶, not on list B": _all(
            _one("attribute", "note", "contains", "茶叶"),
            _one("list", listed["List B"], "not_subscribed"),
        ),
        "domain is qq.com, subscribed before a date": _all(
            _one("person", "domain", "is", "qq.com"),
            _one("list", listed["News"], "joined_before", "2026-06-01"),
        ),
    }


def _all(*items: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "match": "all", "items": list(items)}


def _one(kind: str, subject: str, operator: str, *values: Any) -> dict[str, Any]:
    return {"kind": kind, "subject": subject, "operator": operator, "values": list(values)}
