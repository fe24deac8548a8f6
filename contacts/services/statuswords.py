"""What people answered about words in status columns: for the workspace, or for one file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Import, StatusWord
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

# What these mean depends on the file: the answer is kept for it only.
OF_ONE_FILE = frozenset({EMPTY, DATE})

# Whom the file calls unsubscribed, and who is subscribed to other lists of the workspace: they want
# no mail at all, or only none of the list that the file goes into. While nobody has said which,
# they are suppressed: doubt never mails.
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
    """What the workspace's people answered: {(kind, key): meaning}."""
    rows = StatusWord.objects.filter(workspace_id=workspace_id).values_list(
        "kind", "key", "meaning"
    )
    return {(kind, key): meaning for kind, key, meaning in rows}


def of_import(import_: Import) -> dict[tuple[str, str], str]:
    """What was said about this file's words only."""
    return {(kind, key): meaning for kind, key, meaning in import_.answers}


def scope_said(import_: Import) -> str:
    """What somebody said "unsubscribed" in this file is about: one of SCOPES, or ""."""
    return of_import(import_).get(ELSEWHERE, "")


def scope(import_: Import) -> str:
    """What it is about while nobody has said it, too."""
    return scope_said(import_) or EVERYWHERE


def stored(answers: Mapping[tuple[str, str], str]) -> list[list[str]]:
    """For `Import.answers`."""
    return [[kind, key, meaning] for (kind, key), meaning in sorted(answers.items())]


def vocabulary(import_: Import) -> Vocabulary:
    """All that is known about the words of this file; what was said about it alone goes first."""
    return Vocabulary(remembered(import_.workspace_id) | of_import(import_))


def unanswered(imports: Iterable[Import]) -> list[Import]:
    """Those files of one workspace that have words which nobody has answered by now."""
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
def answer(import_: Import, answers: Iterable[WordAnswer], *, by: User | None) -> int:
    """Keep what a person said about the words of the file; returns how many answers it changed."""
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
