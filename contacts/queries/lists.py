"""The page of lists: its rows, with counts of people, and the growth of a list."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from accounts.models import Workspace
from contacts.models import List


@dataclass(frozen=True, slots=True)
class ListCounts:
    subscribed: int
    unsubscribed: int
    # Subscribed, and left, within the last 30 days. People who were never subscribed, because an
    # import brought them as unsubscribed, did not leave.
    joined: int
    left: int


NOBODY = ListCounts(0, 0, 0, 0)


def counts(workspace_id: int) -> dict[int, ListCounts]:
    """{list id: ListCounts}, all lists in one pass over their subscriptions."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.list_id,
                   count(*) FILTER (WHERE s.status = 'subscribed'),
                   count(*) FILTER (WHERE s.status = 'unsubscribed'),
                   count(*) FILTER (WHERE s.status = 'subscribed'
                                      AND s.created_at > now() - interval '30 days'),
                   count(*) FILTER (WHERE s.status = 'unsubscribed'
                                      AND s.changed_at > now() - interval '30 days'
                                      AND s.changed_at > s.created_at + interval '1 ms')
            FROM contacts_subscription s
            JOIN contacts_list l ON l.id = s.list_id
            WHERE l.workspace_id = %s GROUP BY s.list_id
            """,
            [workspace_id],
        )
        return {list_id: ListCounts(*numbers) for list_id, *numbers in cursor.fetchall()}


def rows(workspace: Workspace, *, archived: bool) -> list[tuple[List, ListCounts]]:
    """The lists of the page of lists, by name: those in use, or those that are archived."""
    shown = List.objects.filter(workspace=workspace, archived_at__isnull=not archived)
    counted = counts(workspace.pk)
    return [(one, counted.get(one.pk, NOBODY)) for one in shown.order_by("name")]


def daily(list_id: int, *, days: int) -> list[tuple[dt.date, int]]:
    """How many were subscribed at the end of each of the last days, from the first day with anybody
    on the list. Computed from the current rows: people removed from the list don't appear."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH change AS (
                SELECT created_at::date AS day, 1 AS step FROM contacts_subscription
                WHERE list_id = %(list)s
                UNION ALL
                SELECT changed_at::date, -1 FROM contacts_subscription
                WHERE list_id = %(list)s AND status = 'unsubscribed'
            ), a_day AS (
                -- What happened before counts on the first day.
                SELECT greatest(day, current_date - %(days)s::int) AS day, sum(step) AS step
                FROM change GROUP BY 1
            )
            SELECT calendar.day::date, sum(coalesce(step, 0)) OVER (ORDER BY calendar.day)
            FROM generate_series(current_date - %(days)s::int, current_date, interval '1 day')
                 AS calendar (day)
            LEFT JOIN a_day ON a_day.day = calendar.day::date
            ORDER BY 1
            """,
            {"list": list_id, "days": days - 1},
        )
        return since_first([(day, int(total)) for day, total in cursor.fetchall()])


def since_first(series: list[tuple[dt.date, int]]) -> list[tuple[dt.date, int]]:
    """The series without leading days with nobody; at least two days, to draw a line."""
    first = next((n for n, (_day, total) in enumerate(series) if total), len(series))
    return series[max(0, min(first, len(series) - 2)) :]
