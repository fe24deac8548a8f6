"""Makes the benchmark's workspace in sets: people, lists and a design."""

from dataclasses import dataclass

from django.db import connection

from accounts.models import Workspace
from benchmarks.send import design
from contacts.models import List
from contacts.services import attributes, lists
from designs import services as designs
from designs.models import Design
from relays.models import Relay

# Like a real list: thousands of names in two scripts, and no name for one person in ten; a unique
# customer number; city and company for two thirds. `h` is an evenly spread hash of the person.
CONTACTS = """
INSERT INTO contacts_contact (workspace_id, email, first_name, last_name, full_name, attributes,
                              source_kind, source_id, created_at, updated_at)
SELECT %s, 'person.' || n || '@mail' || n %% 40 || '.example',
       CASE WHEN n %% 10 = 0 THEN ''
            WHEN n %% 3 = 0 THEN chr(19968 + h %% 1500) || chr(21000 + h / 7 %% 3)
            ELSE (ARRAY['Mar', 'Zo', 'Jo', 'An', 'Lé', 'Ste', 'Al', 'Bri'])[h %% 8 + 1]
                 || (ARRAY['a', 'hn', 'ë', 'tina', 'fan', 'ie', 'ex', 'a-Lou'])[h / 8 %% 8 + 1]
                 || (ARRAY['', 'n', 'r', 's', 'l'])[h / 64 %% 5 + 1] END,
       CASE WHEN n %% 3 = 0 THEN chr(29579 + h / 9 %% 200)
            ELSE (ARRAY['Müller', 'Smith', 'O''Brien', 'García', 'Rossi'])[h / 11 %% 5 + 1]
                 || (ARRAY['', '-Jones', 's', 'in', 'sen'])[h / 55 %% 5 + 1] END,
       '',
       jsonb_strip_nulls(jsonb_build_object(
           'customer', 'c-' || n,
           'city', CASE WHEN n %% 3 > 0 THEN
               (ARRAY['Berlin', '上海', 'São Paulo', 'Lyon', '深圳'])[h %% 5 + 1]
               || (ARRAY['', ' Mitte', ' 2', ' Nord', ' East'])[h / 5 %% 5 + 1] END,
           'company', CASE WHEN n %% 3 = 1 THEN 'Acme & Sons ' || h %% 3000 END)),
       'import', 1, now(), now()
FROM generate_series(1, %s) n, LATERAL (SELECT abs(hashint4(n) / 2) AS h) spread
"""
SUBSCRIPTIONS = """
INSERT INTO contacts_subscription (list_id, contact_id, status, consent, source_kind,
                                   source_id, created_at, changed_at)
SELECT %s, id, 'subscribed', 'explicit', 'import', 1, now(), now()
  FROM contacts_contact WHERE workspace_id = %s ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Made:
    workspace: Workspace
    # By size.
    lists: dict[int, List]
    design: Design


def make(sizes: list[int]) -> Made:
    """Makes a list of each size; the lists share their people."""
    workspace = Workspace.objects.create(
        name="Brand", slug="brand", from_email=design.FROM, postal_address="1 Main Street, Berlin"
    )
    for key in ("customer", "city", "company"):
        attributes.add(workspace, label=key, type_="text")
    made = {size: lists.create(workspace, name=f"{size} people") for size in sizes}
    with connection.cursor() as cursor:
        cursor.execute(CONTACTS, [workspace.pk, max(sizes)])
        for size, target in made.items():
            cursor.execute(SUBSCRIPTIONS, [target.pk, workspace.pk, size])
        cursor.execute("VACUUM ANALYZE")
    draft = designs.Draft(
        name="Spring", subject=design.SUBJECT, preheader=design.PREHEADER, html=design.html()
    )
    return Made(workspace, made, designs.create(workspace, draft))


def relay_to(workspace: Workspace, port: int, *, connections: int) -> Relay:
    """A relay without limits on its rate."""
    return Relay.objects.create(
        workspace=workspace,
        name=f"Sink at {port}",
        host="127.0.0.1",
        port=port,
        security="none",
        connections=connections,
        bounce_address="bounces@brand.example",
    )
