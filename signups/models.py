"""Forms by which people sign up, their sign-ups, and what a list does with one."""

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from contacts.models import Contact, List
from designs.models import Design
from pages.singleline import SingleLineField
from relays.models import Pool, Relay
from sending.models import Mailing

LONGEST_KEY = 22


def new_key() -> str:
    """128 bits: nobody finds a form by trying."""
    return secrets.token_urlsafe(16)


class SignupRules(models.Model):
    """What a sign-up to a list needs, and the mails about it. A list without a row has the
    defaults: double opt-in, with our text."""

    class Welcome(models.TextChoices):
        NONE = "none", _("No mail")
        STANDARD = "standard", _("Our text")
        DESIGN = "design", _("A design")

    list = models.OneToOneField(List, models.CASCADE, primary_key=True, related_name="signup_rules")
    double_opt_in = models.BooleanField(_("double opt-in"), default=True)
    # None: our text, in the person's language.
    confirmation_design = models.ForeignKey(
        Design, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    welcome = models.CharField(max_length=8, choices=Welcome.choices, default=Welcome.NONE)
    welcome_design = models.ForeignKey(
        Design, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"sign-ups to list {self.list_id}"


class SignupForm(models.Model):
    """A form for people to sign up. Texts that are empty are ours, in the reader's language.
    Without a route, or switched off, it takes no sign-ups."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="signup_forms")
    # Its public address: /f/<key>.
    key = models.CharField(max_length=LONGEST_KEY, unique=True, default=new_key)
    name = SingleLineField(_("name"), max_length=100)
    lists = models.ManyToManyField(List, related_name="signup_forms")
    # Besides the address, in their order: signups.formfields.FormField.as_json.
    fields = models.JSONField(default=list, blank=True)
    title = SingleLineField(_("title"), max_length=150, blank=True)
    intro = models.CharField(_("introduction"), max_length=1000, blank=True)
    consent = models.CharField(_("consent"), max_length=1000, blank=True)
    button = SingleLineField(_("button"), max_length=60, blank=True)
    thanks = models.CharField(_("thanks"), max_length=1000, blank=True)
    # A code of pages.publicwords; "": the reader's.
    language = models.CharField(_("language"), max_length=10, blank=True)
    # https only. "": our own page.
    redirect_url = models.CharField(_("page afterwards"), max_length=500, blank=True)
    active = models.BooleanField(_("on"), default=True)
    relay = models.ForeignKey(Relay, models.SET_NULL, null=True, blank=True, related_name="+")
    pool = models.ForeignKey(Pool, models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "name"), name="signup_form_name_once"),
            models.CheckConstraint(
                condition=models.Q(relay=None) | models.Q(pool=None), name="signup_form_one_route"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Signup(models.Model):
    """What one person sent by a form. Until it is confirmed, it changes neither contacts nor
    subscriptions. Kept: docs/users/forms.md says how long."""

    class State(models.TextChoices):
        WAITING = "unconfirmed", _("Waiting for confirmation")
        CONFIRMED = "confirmed", _("Confirmed")
        EXPIRED = "expired", _("Not confirmed in time")
        REFUSED = "refused", _("Refused")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+", db_index=False)
    form = models.ForeignKey(SignupForm, models.CASCADE, related_name="signups", db_index=False)
    # In the form of contacts.addresses.normalise.
    address = models.CharField(max_length=320)
    # The lists of the form at that time.
    list_ids = models.JSONField(default=list)
    # {key of a field: value}, without empty ones: signups.formfields.
    values = models.JSONField(default=dict)
    # Exactly as the form showed it, and the language of the page.
    consent_text = models.TextField()
    language = models.CharField(max_length=10)
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=11, choices=State.choices)
    # Why it was refused: a code of pages.reasons.
    reason = models.CharField(max_length=30, blank=True)
    # The single opt-in of a person at once; otherwise by the link in a mail.
    by_mail = models.BooleanField(default=True)
    # The puzzle that it solved. Each can be used once.
    puzzle = models.CharField(max_length=64, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # When its last confirmation mail was ordered; its link holds for signups.links.HOLDS.
    asked_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_ip = models.GenericIPAddressField(null=True, blank=True)
    # Keys of fields whose value was not stored, since it is none of the attribute any more.
    left_out = models.JSONField(default=list, blank=True)
    # On all of the lists when it was sent; of a confirmed one, when it was confirmed.
    was_subscribed = models.BooleanField(default=False)
    # It lifted the suppression of an erased person.
    was_erased = models.BooleanField(default=False)
    # Whom it made or changed. Contacts are deleted in sets (contacts.queries.deleting), and their
    # sign-ups with them.
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="+", db_constraint=False
    )

    class Meta:
        indexes = (
            models.Index(fields=("form", "state", "-id"), name="signup_by_form"),
            models.Index(fields=("workspace", "address"), name="signup_by_address"),
            # For the tick that ends and forgets those that were never confirmed.
            models.Index(
                fields=("created_at",),
                name="signup_unconfirmed",
                condition=~models.Q(state="confirmed"),
            ),
        )

    def __str__(self) -> str:
        return f"sign-up {self.pk}: {self.state}"


class ConfirmationMail(models.Model):
    """That an address was asked to confirm, for the limits (signups.services.asking). Kept for a
    few days. The address may be a stranger's, so the limits hold over all workspaces."""

    signup = models.ForeignKey(Signup, models.CASCADE, related_name="asked")
    address = models.CharField(max_length=320)
    list_ids = models.JSONField(default=list)
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=("address", "sent_at"), name="confirmation_by_address"),)

    def __str__(self) -> str:
        return f"confirmation mail of sign-up {self.signup_id}"


class FormStream(models.Model):
    """The stream (sending.services.streams) of a form's mails of one kind and design. It is closed,
    and another one opened, if what it is made of has changed (`made_of`)."""

    class Kind(models.TextChoices):
        CONFIRMATION = "confirm"
        WELCOME = "welcome"

    form = models.ForeignKey(SignupForm, models.CASCADE, related_name="streams", db_index=False)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    # 0: our text.
    design_id = models.BigIntegerField(default=0)
    made_of = models.CharField(max_length=64)
    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("form", "kind", "design_id"), name="form_stream_once"),
        )

    def __str__(self) -> str:
        return f"{self.kind} mails of form {self.form_id}"
