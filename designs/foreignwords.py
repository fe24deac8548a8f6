"""The messages about merge tags of other programs. Pure."""

from django.utils.translation import gettext as _

from designs.foreign import Foreign
from designs.problems import ERROR, WARNING, DesignProblem

LONGEST = 60


def program_name(program: str) -> str:
    """The program's name in the reader's language, if it has one there."""
    return _("Aliyun") if program == "Aliyun" else program


def problem(tag: Foreign, part: str) -> DesignProblem:
    words = {"tag": tag.text[:LONGEST], "made": tag.made, "program": program_name(tag.program)}
    severity = ERROR if tag.sure else WARNING
    return DesignProblem("foreign_tag", severity, part, tag.line, _text(tag) % words)


def _text(tag: Foreign) -> str:
    if not tag.sure and tag.made:
        return _("“%(tag)s” may be a merge tag of another program. Here it is %(made)s.")
    if not tag.sure:
        return _("“%(tag)s” may be a merge tag of another program. It would be sent as it stands.")
    if tag.made and tag.program:
        return _("“%(tag)s” is a merge tag of %(program)s. Here it is %(made)s.")
    if tag.made:
        return _("“%(tag)s” is a merge tag of another program. Here it is %(made)s.")
    if tag.program:
        return _("“%(tag)s” is a merge tag of %(program)s. Replace it with a merge field.")
    return _("“%(tag)s” is a merge tag of another program. Replace it with a merge field.")
