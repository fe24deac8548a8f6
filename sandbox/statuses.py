"""The status of mails in the sandbox."""

from django.utils.translation import gettext_lazy as _

from pages.statuses import Look, register

register(
    {
        "delivered": Look("good", "check", _("Delivered")),
    }
)
