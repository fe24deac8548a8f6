"""A workspace with many contacts, and mailings to all of them with opens and clicks.

Everything is made by one statement for each table, and nothing by chance: a number between 0 and
999 is made of a contact's id and a word (`pick`), so that values of different attributes are
independent. Messages are as long after their mailings: settled, and each row written once.
"""

import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

FAMILY = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "明伟芳娜敏静丽强磊军洋勇艳杰娟涛超霞平刚桂英华建国文辉玲红春秋雪梅兰竹菊松柏云冷卲"
CITIES = (
    *("上海", "北京", "广州", "深圳", "成都", "杭州", "武汉", "西安", "London", "Berlin"),
    *("Madrid", "Oslo", "Paris", "Rome", "Lyon", "Graz"),
)
NOTES = ("met at the fair", "茶叶 客户", "asked for a catalogue", "老客户 介绍", "called twice")
PICK = """
CREATE OR REPLACE FUNCTION pick(n bigint, word text) RETURNS int LANGUAGE sql IMMUTABLE
AS $$ SELECT (hashint8extended(n, hashtext(word)) & 1048575)::int % 1000 $$
"""
CONTACTS = """
INSERT INTO contacts_contact (workspace_id, email, first_name, last_name, full_name, attributes,
                              source_kind, source_id, created_at, updated_at)
SELECT %(workspace)s,
       'p' || substr(md5(n::text), 1, 12) || '@' || CASE
           WHEN pick(n, 'domain') < 160 THEN 'qq.com' WHEN pick(n, 'domain') < 300 THEN '163.com'
           WHEN pick(n, 'domain') < 450 THEN 'gmail.com'
           ELSE 'company' || n %% 5000 || '.example' END,
       CASE WHEN n %% 2 = 0 THEN substr(%(given)s, 1 + pick(n, 'g1') %% %(givens)s, 1)
                                 || CASE WHEN n %% 3 = 0 THEN '' ELSE
                                    substr(%(given)s, 1 + pick(n, 'g2') %% %(givens)s, 1) END
            ELSE initcap(substr(md5('f' || n), 1, 6)) END,
       CASE WHEN n %% 2 = 0 THEN substr(%(family)s, 1 + pick(n, 'f') %% %(families)s, 1)
            ELSE initcap(substr(md5('l' || n), 1, 8)) END,
       '',
       jsonb_build_object(
           'city', (%(cities)s::text[])[1 + pick(n, 'city') %% %(all_cities)s],
           'birthday', ('1950-01-01'::date + pick(n, 'b1') * 20 + pick(n, 'b2') %% 20)::text,
           'company', 'Acme ' || n %% 900, 'job_title', 'Sales Manager', 'country', 'CN',
           'phone', '+86 1' || lpad(n::text, 10, '0'), 'language', 'zh-CN',
           'orders', pick(n, 'orders') / 50, 'spent', pick(n, 'spent') * 3.5,
           'member', pick(n, 'member') < 300, 'source', 'fair ' || n %% 50)
       || CASE WHEN pick(n, 'note') < 750 THEN jsonb_build_object(
              'note', (%(notes)s::text[])[1 + pick(n, 'which') %% %(all_notes)s]) ELSE '{}' END,
       'import', 1, now(), now()
FROM generate_series(1, %(people)s) n
"""
SUBSCRIPTIONS = """
INSERT INTO contacts_subscription (list_id, contact_id, status, consent, source_kind,
                                   source_id, created_at, changed_at)
SELECT %(list)s, id, CASE WHEN pick(id, 'left') < 30 THEN 'unsubscribed' ELSE 'subscribed' END,
       'explicit', 'import', 1, at, at
  FROM (SELECT id, now() - pick(id, 'joined') * interval '1 day' AS at
          FROM contacts_contact
         WHERE workspace_id = %(workspace)s AND pick(id, %(word)s) < %(share)s
         ORDER BY id) people
"""
SUPPRESSIONS = """
INSERT INTO contacts_suppression (workspace_id, kind, value, reason, source_kind, source_id, detail,
                                  created_at)
SELECT workspace_id, 'address', email, 'hard_bounced', 'campaign', 1, '550', now()
FROM contacts_contact WHERE workspace_id = %(workspace)s AND pick(id, 'suppressed') < 20
"""
# 1 % failed; people who open at all open often.
MESSAGES = """
INSERT INTO sending_message (mailing_id, contact_id, relay_id, settled_at, opened_at, clicked_at,
                             counts_opens,
                             state, attempts, lane, variant, repeats, address, reason, reply)
SELECT %(mailing)s, id, %(relay)s, at, CASE WHEN accepted AND opened THEN at + '1 hour' END,
       CASE WHEN accepted AND opened AND pick(id, %(clicked)s) < 120 THEN at + '2 hours' END,
       true, CASE WHEN accepted THEN 2 ELSE 3 END, 1, lane, 0, false, email,
       CASE WHEN accepted THEN '' ELSE 'address' END,
       CASE WHEN accepted THEN '250 2.0.0 Ok: queued as 4bXn' || id ELSE '550 5.1.1 unknown' END
  FROM (SELECT id, email, pick(id, 'suppressed') >= 20 AND pick(id, %(failed)s) >= 10 AS accepted,
               pick(id, 'opens') < 400 AND pick(id, %(opened)s) < 600 AS opened,
               %(at)s + pick(id, 'order') * interval '3 s' AS at,
               CASE WHEN email LIKE '%%@gmail.com' THEN 1 ELSE 0 END AS lane
          FROM contacts_contact WHERE workspace_id = %(workspace)s) people
"""
EVENTS = """
INSERT INTO sending_event (mailing_id, message_id, contact_id, kind, at, link, detail)
SELECT mailing_id, id, contact_id, kind, at, CASE kind WHEN 'clicked' THEN id %% 15 END,
       CASE kind WHEN 'hard_bounced' THEN '550 5.1.1 user unknown' ELSE 'Mozilla/5.0' END
  FROM sending_message,
       LATERAL (SELECT 'opened' AS kind, opened_at AS at WHERE opened_at IS NOT NULL
                UNION ALL SELECT 'clicked', clicked_at WHERE clicked_at IS NOT NULL
                UNION ALL SELECT 'hard_bounced', settled_at WHERE state = 3) made
 WHERE mailing_id = %(mailing)s
"""
COUNTED = """
INSERT INTO sending_tally (mailing_id, targeted, waiting, in_flight, accepted, failed, skipped,
    unknown, bounced, hard_bounced, soft_bounced, blocked, complained, unsubscribed, opened,
    clicked)
SELECT %(mailing)s, count(*), 0, 0, count(*) FILTER (WHERE state = 2),
       count(*) FILTER (WHERE state = 3), 0, 0, 0, 0, 0, 0, 0, 0, count(opened_at),
       count(clicked_at)
  FROM sending_message WHERE mailing_id = %(mailing)s
"""
TYPES = {"birthday": "date", "orders": "number", "spent": "number", "member": "boolean"}
ATTRIBUTES = (
    *("city", "birthday", "company", "job_title", "country", "phone", "language", "orders"),
    *("spent", "member", "source", "note"),
)
# {list: how many of a thousand contacts are on it}
SHARES = {"News": 1000, "List B": 300, "Customers": 500}
# Between two mailings.
APART = timedelta(days=25)


@dataclass(frozen=True)
class Scene:
    workspace: Any
    relay: Any
    # By name.
    lists: dict[str, Any]
    # Ids, the earliest first.
    mailings: list[int]


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def execute(sql: str, **known: Any) -> Any:
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    with connection.cursor() as cursor:
        cursor.execute(sql, known or None)
        return cursor.fetchall() if cursor.description else None


def made(people: int, mailings: int) -> Scene:
    from accounts.models import Workspace  # noqa: PLC0415
    from contacts.models import Attribute  # noqa: PLC0415
    from contacts.services import lists  # noqa: PLC0415
    from relays.models import Relay  # noqa: PLC0415

    workspace = Workspace.objects.create(name="Brand", slug="brand")
    relay = Relay.objects.create(workspace=workspace, name="Relay", host="smtp.example.com")
    for place, key in enumerate(ATTRIBUTES):
        Attribute.objects.create(
            workspace=workspace,
            key=key,
            label=key.title(),
            type=TYPES.get(key, "text"),
            position=place,
        )
    execute(PICK)
    began = time.perf_counter()
    _people(workspace, people)
    own = {name: lists.create(workspace, name=name) for name in SHARES}
    for name, share in SHARES.items():
        on = {"list": own[name].pk, "workspace": workspace.pk, "word": name, "share": share}
        execute(SUBSCRIPTIONS, **on)
    execute(SUPPRESSIONS, workspace=workspace.pk)
    say(f"{people:,} contacts after {time.perf_counter() - began:.0f} s")
    sent = [_mailing(workspace, relay, mailings - number) for number in range(mailings)]
    say(f"{mailings} mailings after {time.perf_counter() - began:.0f} s")
    execute("VACUUM ANALYZE")
    execute("CHECKPOINT")
    return Scene(workspace, relay, own, sent)


def _people(workspace: Any, people: int) -> None:
    known = {"given": GIVEN, "givens": len(GIVEN), "family": FAMILY, "families": len(FAMILY)}
    known |= {"cities": list(CITIES), "all_cities": len(CITIES)}
    known |= {"notes": list(NOTES), "all_notes": len(NOTES)}
    execute(CONTACTS, workspace=workspace.pk, people=people, **known)
    execute("ANALYZE contacts_contact")


def _mailing(workspace: Any, relay: Any, ago: int) -> int:
    """A finished mailing that was sent `ago` times APART before now."""
    from django.utils import timezone  # noqa: PLC0415

    from sending.models import Mailing  # noqa: PLC0415

    at = timezone.now() - ago * APART
    mailing = Mailing.objects.create(
        workspace=workspace,
        relay=relay,
        state=Mailing.State.FINISHED,
        from_email="news@brand.example",
        open_counting="everybody",
        retry_for=timedelta(days=2),
        finished_at=at,
        source_kind="campaign",
        source_id=ago,
    )
    Mailing.objects.filter(pk=mailing.pk).update(opened_at=at)
    words = {word: f"{word} {mailing.pk}" for word in ("opened", "clicked", "failed")}
    of = {"mailing": mailing.pk, "workspace": workspace.pk, "relay": relay.pk}
    execute(MESSAGES, at=at, **of, **words)
    for sql in (EVENTS, COUNTED):
        execute(sql, mailing=mailing.pk)
    return int(mailing.pk)
