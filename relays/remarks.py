"""What the SMTP client says itself (smtp.remarks), in the reader's language."""

import re

from django.utils.translation import gettext

from smtp import remarks

# A remark that stands for a reply follows its code.
STORED = re.compile(r"([2-5][0-9][0-9] )?(.*)", re.DOTALL)


def said(text: str) -> str:
    """The remark with this text, perhaps behind a reply code; "" for the words of anybody else."""
    found = STORED.fullmatch(text)
    remark = remarks.read(found[2]) if found else None
    if found is None or remark is None:
        return ""
    return (found[1] or "") + gettext(remarks.TEXTS[remark.code]).format(**remark.values)
