"""Remarks of the SMTP client (smtp.remarks) in the reader's language."""

import re

from django.utils.translation import gettext

from smtp import remarks

# A remark in the place of a reply has a reply code before it.
STORED = re.compile(r"([2-5][0-9][0-9] )?(.*)", re.DOTALL)


def said(text: str) -> str:
    """The translated remark of a text, which may begin with a reply code; "" for other words."""
    found = STORED.fullmatch(text)
    remark = remarks.read(found[2]) if found else None
    if found is None or remark is None:
        return ""
    return (found[1] or "") + gettext(remarks.TEXTS[remark.code]).format(**remark.values)
