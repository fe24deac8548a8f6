"""Reasons why a sign-up was refused, and why a form takes none."""

from django.utils.translation import gettext_lazy as _

from pages import reasons
from signups.services import forms, receiving

reasons.register(
    {
        receiving.ROBOT: _("A program filled in a field that people don't see"),
        receiving.ASKED_LATELY: _(
            "The address was asked to confirm shortly before, or three times within a day"
        ),
        forms.OFF: _("The form is off."),
        forms.NO_LIST: _("The form has no list in use. Choose one."),
        forms.NO_ROUTE: _("The form has no relay or pool that sends its mails. Choose one."),
        forms.NO_SENDER: _(
            "The workspace has no sender address. Enter one in the settings of the workspace."
        ),
    }
)
