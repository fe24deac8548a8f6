"""Mailings where they are named as the source of something."""

from django.utils.translation import gettext_lazy as _

from contacts.sources import Kind, kinds

kinds.add(Kind("mailing", _("Mailing {number}")))
