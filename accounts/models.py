"""Users, workspaces, and who is a member of which with what role."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.opencounting import OpenCounting
from accounts.permissions import Role
from pages.singleline import SingleLineField


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who logs in, with e-mail and password."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = SingleLineField(_("name"), max_length=150, blank=True)
    # Empty: the language that the browser asks for.
    language = models.CharField(_("language"), max_length=10, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    # May create workspaces; the person who set the installation up has it.
    can_create_workspaces = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_lower"),)

    def __str__(self) -> str:
        return self.name or self.email


class Workspace(models.Model):
    """One brand or client. Everything but users belongs to exactly one."""

    name = SingleLineField(_("name"), max_length=100)
    # In every URL of the workspace: /w/<slug>/.
    slug = models.SlugField(_("short name"), max_length=50, unique=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    # The default in new campaigns.
    from_name = SingleLineField(_("sender name"), max_length=100, blank=True)
    from_email = models.EmailField(_("sender address"), blank=True)
    # The sender's postal address, for the foot of mails (merge field `workspace.address`).
    postal_address = models.CharField(_("postal address"), max_length=300, blank=True)
    brand_color = SingleLineField(_("brand colour"), max_length=7, blank=True)
    # How new campaigns count opens.
    open_counting = models.CharField(
        _("counting opens"),
        max_length=9,
        choices=OpenCounting.choices,
        default=OpenCounting.CONSENT,
    )
    # The key of the market of contacts whose country is unknown (accounts.markets); "": none.
    default_market = models.CharField(_("default market"), max_length=10, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    # Set when the workspace is deleted. It has no members any more, and a task erases its contents.
    deleted_at = models.DateTimeField(null=True, blank=True)

    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "user"), name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}: {self.role}"


class Invitation(models.Model):
    """A link by mail that makes its holder a member. Only the token's digest is kept."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "workspace",
                Lower("email"),
                name="invitation_open_once",
                condition=models.Q(accepted_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} to {self.workspace}"


class DailyUse(models.Model):
    """How often a person has done an action with a daily limit, on one day (UTC)."""

    pk = models.CompositePrimaryKey("user", "what", "day")
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    what = models.CharField(max_length=20)
    day = models.DateField()
    count = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.count} {self.what} on {self.day}"
