"""The first account: a set-up link that works until an account exists."""

from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.exceptions import AlreadySetUpError
from accounts.models import User, Workspace
from accounts.services import workspaces

SALT = "accounts.setup"
# Links stay in terminal histories, so they expire. Every start prints a new one.
DAYS = 7
# Key of the advisory lock that serialises set-ups. The number is arbitrary, but ours alone.
LOCK = 7_214_001


def is_set_up() -> bool:
    return User.objects.exists()


def setup_link() -> str:
    """The address of the page that makes the owner's account; "" once there is any account."""
    if is_set_up():
        return ""
    token = signing.TimestampSigner(salt=SALT, sep=".").sign("owner")
    return settings.PUBLIC_URL + reverse("setup", args=[token])


def is_valid(token: str) -> bool:
    """Whether we signed this token within the last DAYS days."""
    signer = signing.TimestampSigner(salt=SALT, sep=".")
    try:
        signer.unsign(token, max_age=DAYS * 86_400)
    except signing.BadSignature:
        return False
    return True


@transaction.atomic
def set_up(
    *, email: str, password: str, workspace_name: str, timezone: str, **person: str
) -> tuple[User, Workspace]:
    """Creates the owner's account and the first workspace. `person`: name and language.

    Raises AlreadySetUpError if an account exists, also if another request is just creating it.
    """
    with connection.cursor() as cursor:
        # No row exists yet that could serialise two simultaneous requests.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if is_set_up():
        raise AlreadySetUpError(_("There is an account already. Log in."))
    user = User.objects.create_user(
        email,
        password,
        timezone=timezone,
        can_create_workspaces=True,
        **person,
    )
    workspace = workspaces.create(name=workspace_name, owner=user, timezone=timezone)
    return user, workspace
