"""What is wrong with a link or picture, in words for authors. Pure."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from designs.weblinks import SCHEME, Reference, fault

LONGEST = 60


def said(reference: Reference) -> Iterator[tuple[str, str]]:
    """The problem's code and text; nothing for a link that can work."""
    code = fault(reference)
    if not code:
        return
    scheme = SCHEME.match(reference.url)
    url = reference.url if len(reference.url) <= LONGEST else reference.url[: LONGEST - 1] + "…"
    words = {"url": url, "scheme": scheme[1][:20] if scheme else ""}
    texts = _of_links() if reference.kind == "link" else _of_files()
    name = code if code in texts else "unknown_scheme"
    yield f"{name}_{reference.kind}", texts[name] % words


def _of_links() -> dict[str, str]:
    return {
        "empty": _("This link leads nowhere."),
        "insecure": _("This link is not encrypted; use https:// if the site can."),
        "no_scheme": _(
            "The link “%(url)s” needs https:// before it; without it, it leads nowhere."
        ),
        "relative": _(
            "The link “%(url)s” is a part of an address only; write all of it, from https:// on."
        ),
        "unknown_scheme": _(
            "Mail programs don't open “%(url)s”; is “%(scheme)s:” a slip of https:// ?"
        ),
        "file": _("“%(url)s” is a file on your computer; nobody else can open it."),
        "cid": _("“%(url)s” is an attachment of another mail; link to a web page instead."),
        "runs": _("Mail programs remove links that begin with “%(scheme)s:”."),
        "placeholder": _("The link “%(url)s” leads to a page for examples; put your own there."),
        "local": _("“%(url)s” is in a private network; recipients can't reach it."),
    }


def _of_files() -> dict[str, str]:
    return {
        "empty": _("This picture has no address."),
        "no_scheme": _(
            "The picture “%(url)s” needs https:// before its address; it will not be shown."
        ),
        "relative": _(
            "The picture “%(url)s” has only a part of its address; write all of it, from https:// "
            "on."
        ),
        "unknown_scheme": _(
            "Mail programs don't load “%(url)s”; is “%(scheme)s:” a slip of https:// ?"
        ),
        "file": _("The picture “%(url)s” is on your computer; nobody else can see it."),
        "cid": _("The picture “%(url)s” was attached to another mail; upload it to the web."),
        "data": _(
            "This picture is written into the mail (data:); Gmail and Outlook don't show it. "
            "Upload it to the web."
        ),
        "runs": _("Mail programs remove what begins with “%(scheme)s:”."),
        "placeholder": _("The picture “%(url)s” is at an address for examples."),
        "local": _("The picture “%(url)s” is in a private network; recipients can't load it."),
    }
