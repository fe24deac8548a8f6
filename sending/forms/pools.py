"""Pools as they are typed."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from sending.models import Pool, Relay


class PoolForm(forms.Form):
    """A new pool, or (`pool` given) that one."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    relays = forms.ModelMultipleChoiceField(
        Relay.objects.none(),
        label=gettext_lazy("Relays"),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text=gettext_lazy(
            "Whichever is free takes the next mails, within its own limits. When one is paused, "
            "waits or can't be reached, the others carry on."
        ),
        error_messages={"required": gettext_lazy("Choose at least one relay.")},
    )

    def __init__(
        self, *args: Any, workspace: Workspace, pool: Pool | None = None, **kwargs: Any
    ) -> None:
        if pool:
            chosen = list(pool.members.values_list("relay_id", flat=True))
            kwargs.setdefault("initial", {"name": pool.name, "relays": chosen})
        super().__init__(*args, **kwargs)
        own = Pool.objects.filter(workspace=workspace)
        self._others = own.exclude(pk=pool.pk) if pool else own
        field = cast("forms.ModelMultipleChoiceField[Relay]", self.fields["relays"])
        field.queryset = Relay.objects.filter(workspace=workspace, archived_at=None).order_by(
            "is_sandbox", "name"
        )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if self._others.filter(name=name).exists():
            raise ValidationError(_("There is a pool with this name already."))
        return name
