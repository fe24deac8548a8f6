"""The messages about problems of links and images. Pure."""

from collections.abc import Iterator

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from designs.fieldlinks import SCHEME
from designs.weblinks import Reference, fault

LONGEST = 60
# Lazy: each is translated only when it is shown.
OF_LINKS: dict[str, Promise] = {
    "empty": _("This link leads nowhere."),
    "insecure": _("This link is not encrypted; use https:// if the site can."),
    "no_scheme": _("The link “%(url)s” does not work without https:// before it."),
    "relative": _("The link “%(url)s” is incomplete. Enter the whole address with https://."),
    "unknown_scheme": _("Mail programs can't open “%(url)s”. Web addresses begin with https://."),
    "file": _("The link “%(url)s” leads to a file on your computer. Nobody else can open it."),
    "cid": _("The link “%(url)s” leads to an attachment of another mail. Link to a web page."),
    "runs": _("Mail programs remove links that begin with “%(scheme)s:”."),
    "placeholder": _("The link “%(url)s” is a placeholder. Replace it with your own page."),
    "local": _("The link “%(url)s” leads to a private network. Recipients can't reach it."),
}
OF_FILES: dict[str, Promise] = {
    "empty": _("This image has no address."),
    "no_scheme": _("The image “%(url)s” does not load without https:// before its address."),
    "relative": _(
        "The address of the image “%(url)s” is incomplete. Enter the whole address with https://."
    ),
    "unknown_scheme": _(
        "Mail programs can't load the image “%(url)s”. Web addresses begin with https://."
    ),
    "file": _("The image “%(url)s” is a file on your computer. Nobody else can see it."),
    "cid": _("The image “%(url)s” is an attachment of another mail. Upload it to a website."),
    "data": _(
        "This image is embedded as data:, which Gmail and Outlook do not show. Upload it to a "
        "website."
    ),
    "runs": _("Mail programs remove what begins with “%(scheme)s:”."),
    "placeholder": _("The image “%(url)s” is a placeholder. Replace it with your own."),
    "local": _("The image “%(url)s” is in a private network. Recipients can't load it."),
}


def said(reference: Reference) -> Iterator[tuple[str, str]]:
    """The problem's code and text; yields nothing for a link that can work."""
    code = fault(reference)
    if not code:
        return
    scheme = SCHEME.match(reference.url)
    url = reference.url if len(reference.url) <= LONGEST else reference.url[: LONGEST - 1] + "…"
    words = {"url": url, "scheme": scheme[1][:20] if scheme else ""}
    texts = OF_LINKS if reference.kind == "link" else OF_FILES
    name = code if code in texts else "unknown_scheme"
    yield f"{name}_{reference.kind}", str(texts[name]) % words
