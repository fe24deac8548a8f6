"""The form of a pool: a line for each relay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Workspace
from pages import locales
from pages.singleline import SingleLine
from relays.models import Pool, Relay
from relays.services.pools import PoolPlace

# More tiers would be hard to follow; with weights of 100 to 1 one relay takes nearly all.
TIERS, HEAVIEST = 5, 100
WEIGHT_WRONG = gettext_lazy("Enter a whole number from 1 to 100.")


@dataclass(frozen=True, slots=True)
class MemberFields:
    """A relay with its three form fields."""

    relay: Relay
    inside: forms.BoundField
    tier: forms.BoundField
    weight: forms.BoundField


class PoolForm(forms.Form):
    """Creates a pool, or changes `pool`. Fields of the relay 7: `in_7`, `tier_7`, `weight_7`."""

    name = SingleLine(label=gettext_lazy("Name"), max_length=100)

    untested = forms.BooleanField(required=False)

    def __init__(
        self, *args: Any, workspace: Workspace, pool: Pool | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("initial", {"name": pool.name} if pool else {})
        super().__init__(*args, **kwargs)
        own = Pool.objects.filter(workspace=workspace)
        self._others = own.exclude(pk=pool.pk) if pool else own
        members = {row.relay_id: row for row in pool.members.all()} if pool else {}
        self._members = set(members)
        # Whether the box about untested relays is shown.
        self.asks = False
        kept = Relay.objects.filter(workspace=workspace, archived_at=None)
        self.relays = list(kept.order_by("-delivers", "name"))
        for relay in self.relays:
            member = members.get(relay.pk)
            self.fields |= {
                f"in_{relay.pk}": forms.BooleanField(
                    label=relay.name, required=False, initial=member is not None
                ),
                f"tier_{relay.pk}": forms.TypedChoiceField(
                    label=_("Tier of {relay}").format(relay=relay.name),
                    choices=[(number, str(number)) for number in range(1, TIERS + 1)],
                    coerce=int,
                    empty_value=None,
                    required=False,
                    initial=min(member.tier, TIERS) if member else 1,
                ),
                f"weight_{relay.pk}": _weight(relay, member.weight if member else 1),
            }

    def lines(self) -> Iterator[MemberFields]:
        for relay in self.relays:
            yield MemberFields(
                relay, self[f"in_{relay.pk}"], self[f"tier_{relay.pk}"], self[f"weight_{relay.pk}"]
            )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if self._others.filter(name=name).exists():
            raise ValidationError(_("There is a pool with this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        """Ignores errors in lines of relays that aren't in the pool."""
        cleaned = super().clean() or self.cleaned_data
        for relay in self.relays:
            if not cleaned.get(f"in_{relay.pk}"):
                self.errors.pop(f"weight_{relay.pk}", None)
                self.errors.pop(f"tier_{relay.pk}", None)
        chosen = [relay for relay in self.relays if cleaned.get(f"in_{relay.pk}")]
        if not chosen:
            raise ValidationError(_("Choose at least one relay."), code="relays")
        self._ask_untested(cleaned, chosen)
        if all((cleaned.get(f"tier_{relay.pk}") or 1) > 1 for relay in chosen):
            raise ValidationError(_("Put at least one relay into tier 1."), code="relays")
        return cleaned

    def _ask_untested(self, cleaned: dict[str, Any], chosen: Sequence[Relay]) -> None:
        """Asks here about untested relays: a pool later gives them mails without asking."""
        new = [one.name for one in chosen if one.untested and one.pk not in self._members]
        if not new:
            return
        text = ngettext(
            "Use {relays} although it has not passed a test yet",
            "Use {relays} although they have not passed a test yet",
            len(new),
        )
        # The bound field already exists, so its label is set directly.
        self["untested"].label = text.format(relays=locales.listed(new))
        if not cleaned.get("untested"):
            said = _("Test the relays first, or tick the box to use them as they are.")
            self.add_error("untested", said)
            self.asks = True

    def parts(self) -> list[PoolPlace]:
        """For the service."""
        values = self.cleaned_data
        return [
            PoolPlace(relay, values[f"tier_{relay.pk}"] or 1, values[f"weight_{relay.pk}"] or 1)
            for relay in self.relays
            if values[f"in_{relay.pk}"]
        ]


def _weight(relay: Relay, initial: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Weight of {relay}").format(relay=relay.name),
        min_value=1,
        max_value=HEAVIEST,
        required=False,
        initial=initial,
        error_messages={
            "invalid": WEIGHT_WRONG,
            "min_value": WEIGHT_WRONG,
            "max_value": WEIGHT_WRONG,
        },
    )
