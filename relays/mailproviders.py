"""Where the IMAP servers of known providers are, and what a newcomer has to know. Pure."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Provider:
    key: str
    name: str | Promise
    host: str
    note: str | Promise
    port: int = 993
    security: str = "tls"


CODE = _(
    "Switch IMAP on in the mailbox's settings and make an authorization code there; the code is "
    "the password here."
)

PROVIDERS = (
    Provider("exmail", _("Tencent Exmail"), "imap.exmail.qq.com", CODE),
    Provider("netease", _("NetEase business mail"), "imap.qiye.163.com", CODE),
    Provider("qq", _("QQ Mail"), "imap.qq.com", CODE),
    Provider("163", _("NetEase 163"), "imap.163.com", CODE),
    Provider("aliyun", _("Alibaba Mail"), "imap.qiye.aliyun.com", CODE),
    Provider(
        "gmail",
        _("Gmail"),
        "imap.gmail.com",
        _("Needs an app password: Google Account, Security, 2-Step Verification, App passwords."),
    ),
    Provider(
        "outlook",
        _("Microsoft 365"),
        "outlook.office365.com",
        _(
            "Microsoft has switched passwords off for IMAP in most organizations. Let a mailbox "
            "elsewhere collect the bounces if the login is refused."
        ),
    ),
)
BY_KEY = {provider.key: provider for provider in PROVIDERS}
