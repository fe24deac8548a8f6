"""Creates, changes and deletes workspaces. Other apps register functions for these events in their
modules `hooks` and `contents`."""

import secrets
from collections.abc import Callable, Iterable

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.timezone import now

from accounts.models import Membership, User, Workspace
from accounts.permissions import Role
from pages.registry import Registry

# As long as Workspace.slug.
MAX_SLUG = 50
# What `change` may set.
CHANGEABLE = (
    "name",
    "slug",
    "timezone",
    "from_name",
    "from_email",
    "postal_address",
    "brand_color",
    "open_counting",
    "default_market",
)

Hook = Callable[[Workspace], object]
# One kind of content of a workspace: (its name, the count).
Content = tuple[str | Promise, int]
Counter = Callable[[Workspace], Iterable[Content]]
# Called for each new workspace, inside the transaction that creates it.
on_created: Registry[Hook] = Registry()
# Called in the transaction that deletes the workspace, to stop its work at once: erasing can take
# long. Apps to the right come first, because their work may start work of the apps on their left.
on_deleted: Registry[Hook] = Registry()
# Called before a person deletes a workspace: each returns what would be lost, quickly, such as
# [(_("contacts"), 5000), …].
contents: Registry[Counter] = Registry()


def holds(workspace: Workspace) -> list[Content]:
    """The contents of the workspace that the apps report, without zeros."""
    found = [content for known in contents for content in known(workspace)]
    return [(label, number) for label, number in found if number]


def propose_slug(name: str) -> str:
    """A free short name, made from the name; "workspace" for a name without Latin letters."""
    base = slugify(name)[: MAX_SLUG - 5].strip("-") or "workspace"
    taken = set(Workspace.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    if base not in taken:
        return base
    return next(slug for n in range(2, len(taken) + 3) if (slug := f"{base}-{n}") not in taken)


@transaction.atomic
def create(
    *, name: str, owner: User, slug: str = "", timezone: str = "UTC", **settings: str
) -> Workspace:
    """A new workspace with this owner. `settings`: further fields of the workspace.

    An empty slug is made from the name. Raises IntegrityError if a given slug is taken.
    """
    workspace = Workspace(name=name, slug=slug, timezone=timezone, **settings)
    if slug:
        workspace.save(force_insert=True)
    else:
        _insert_with_free_slug(workspace)
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    for function in on_created:
        function(workspace)
    return workspace


def _insert_with_free_slug(workspace: Workspace) -> None:
    workspace.slug = propose_slug(workspace.name)
    try:
        with transaction.atomic():
            workspace.save(force_insert=True)
    except IntegrityError:  # somebody made the same one at the same moment
        workspace.slug = f"{workspace.slug[: MAX_SLUG - 7]}-{secrets.token_hex(3)}"
        workspace.save(force_insert=True)


def change(workspace: Workspace, **settings: str) -> None:
    """Set some of CHANGEABLE. Raises IntegrityError if the slug is another workspace's."""
    for name, value in settings.items():
        if name not in CHANGEABLE:
            raise TypeError(f"{name} of a workspace can't be changed")
        setattr(workspace, name, value)
    with transaction.atomic():
        workspace.save(update_fields=list(settings))


@transaction.atomic
def delete(workspace: Workspace) -> None:
    """Marks the workspace as deleted: it loses its members, and its short name becomes free. A task
    erases the contents later."""
    workspace.memberships.all().delete()
    workspace.invitations.all().delete()
    workspace.slug = f"deleted-{workspace.pk}"
    workspace.deleted_at = now()
    workspace.save(update_fields=["slug", "deleted_at"])
    for function in reversed([*on_deleted]):
        function(workspace)


def deleted() -> list[int]:
    """Ids of the workspaces that are still to be erased."""
    return list(Workspace.objects.exclude(deleted_at=None).values_list("pk", flat=True))
