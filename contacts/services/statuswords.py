"""People's answers about words in status columns: for the workspace, or for one file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Import, StatusWord
from contacts.programs import Program
from contacts.statuswords import (
    DATE,
    EMPTY,
    KINDS,
    MAX_WORD,
    MEANINGS,
    OTHER,
    Vocabulary,
    WordCounts,
)

# The meaning of these depends on the file: answers are kept for the file only.
OF_ONE_FILE = frozenset({EMPTY, DATE})

# The file calls people unsubscribed who are subscribed to other lists of the workspace. They want
# no mail at all, or only none from the list that the file goes into. Until somebody says which,
# they are suppressed: in doubt nobody is mailed.
ELSEWHERE = ("elsewhere", "")
EVERYWHERE, ONE_LIST = SCOPES = ("everywhere", "list")


@dataclass(frozen=True, slots=True)
class WordAnswer:
    """`meaning` is one of contacts.statuswords.MEANINGS, or "" to ask again."""

    kind: str
    key: str
    text: str
    meaning: str


def remembered(workspace_id: int) -> dict[tuple[str, str], str]:
    """The answers for the workspace: {(kind, key): meaning}."""
    rows = StatusWord.objects.filter(workspace_id=workspace_id).values_list(
        "kind", "key", "meaning"
    )
    return {(kind, key): meaning for kind, key, meaning in rows}


def of_import(import_: Import) -> dict[tuple[str, str], str]:
    """The answers for this file only: {(kind, key): meaning}."""
    return {(kind, key): meaning for kind, key, meaning in import_.answers}


def scope_said(import_: Import) -> str:
    """The answer what "unsubscribed" in this file is about: one of SCOPES; "": no answer."""
    return of_import(import_).get(ELSEWHERE, "")


def scope(import_: Import) -> str:
    """Like `scope_said`, with the safe default while there is no answer."""
    return scope_said(import_) or EVERYWHERE


def stored(answers: Mapping[tuple[str, str], str]) -> list[list[str]]:
    """The form of `Import.answers`."""
    return [[kind, key, meaning] for (kind, key), meaning in sorted(answers.items())]


def vocabulary(import_: Import, program: Program | None = None) -> Vocabulary:
    """All answers for the words of this file; those for the file alone take precedence. Before any
    answer, words have the meaning that the program which wrote the file gives them."""
    meant = dict(program.words) if program else {}
    return Vocabulary(meant | remembered(import_.workspace_id) | of_import(import_))


def unanswered(imports: Iterable[Import]) -> list[Import]:
    """Those imports of one workspace that have words without an answer."""
    rows = list(imports)
    of_workspace = remembered(rows[0].workspace_id) if rows else {}
    return [
        import_
        for import_ in rows
        if any(
            (word.kind, word.key) not in of_workspace | of_import(import_)
            for word in WordCounts(import_.words).asked
        )
    ]


@transaction.atomic
def answer(
    import_: Import, answers: Iterable[WordAnswer], *, by: User | None, scope: str = ""
) -> int:
    """Store a person's answers about the words of the file, and what "unsubscribed" in it is about
    (one of SCOPES; "": no answer); returns how many answers about words changed."""
    of_workspace, of_this = remembered(import_.workspace_id), of_import(import_)
    known = of_workspace | of_this
    new = [
        one
        for one in answers
        if one.kind in KINDS
        and one.key != OTHER
        and one.meaning in {"", *MEANINGS}
        and known.get((one.kind, one.key), "") != one.meaning
    ]
    for one in new:
        of_this.pop((one.kind, one.key), None)
        if one.key in OF_ONE_FILE and one.meaning:
            of_this[one.kind, one.key] = one.meaning
    _remember(import_.workspace, [one for one in new if one.key not in OF_ONE_FILE], by)
    if scope in SCOPES:
        of_this[ELSEWHERE] = scope
    import_.answers = stored(of_this)
    import_.save(update_fields=["answers"])
    return len(new)


def _remember(workspace: Workspace, answers: list[WordAnswer], by: User | None) -> None:
    forgotten = [Q(kind=one.kind, key=one.key) for one in answers if not one.meaning]
    if forgotten:
        StatusWord.objects.filter(reduce(or_, forgotten), workspace=workspace).delete()
    StatusWord.objects.bulk_create(
        [
            StatusWord(
                workspace=workspace,
                kind=one.kind,
                key=one.key[:MAX_WORD],
                text=one.text[:MAX_WORD],
                meaning=one.meaning,
                answered_by=by,
                answered_at=timezone.now(),
            )
            for one in answers
            if one.meaning
        ],
        update_conflicts=True,
        unique_fields=["workspace", "kind", "key"],
        update_fields=["text", "meaning", "answered_by", "answered_at"],
    )
