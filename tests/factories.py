"""Rows that many tests need, each by one call; what a test is about is given by name."""

from datetime import timedelta
from typing import Any

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.provenance import Source
from designs.models import Content
from relays.models import Relay
from sending.models import Mailing, Variant


def make_content(workspace: Workspace, **values: Any) -> Content:
    return Content.objects.create(workspace=workspace, **({"subject": "Hi", "text": "Hi"} | values))


def make_mailing(
    workspace: Workspace,
    *,
    content: Content | None = None,
    lists: list[int] | None = None,
    source: Source = Source("campaign", 7),  # noqa: B008 - it is frozen
    **values: Any,
) -> Mailing:
    """Without messages, lanes and tally. Through a new relay unless one or a pool is given."""
    if not {"relay", "pool"} & {name for name, value in values.items() if value}:
        values["relay"] = Relay.objects.create(
            workspace=workspace, name=f"Relay {Relay.objects.count()}", host="127.0.0.1"
        )
    known: dict[str, Any] = {
        **source.columns,
        "from_email": "news@brand.example",
        "retry_for": timedelta(days=2),
        "audience": Audience.of_lists(workspace.pk, lists or []).as_json(),
    }
    mailing = Mailing.objects.create(workspace=workspace, **(known | values))
    Variant.objects.create(mailing=mailing, content=content or make_content(workspace))
    return mailing
