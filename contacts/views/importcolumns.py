"""The second step of an import: how its file is read, what its columns are, and where the contacts
go."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import columns, csvdetect, encodings
from contacts.csvfile import Dialect
from contacts.forms import NAMES, NEW_LIST, SIGNS, ImportForm
from contacts.models import Attribute, Import, List, SavedMapping
from contacts.services import (
    importchoices,
    importdoubts,
    importdrafts,
    importfile,
    imports,
    importuploads,
    savedmappings,
)
from contacts.tasks import read_import
from contacts.views import scheduled
from pages import locales, numbers

FIELD_LABELS = {
    "email": gettext_lazy("E-mail address"),
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "full_name": gettext_lazy("Full name"),
    "tags": gettext_lazy("Tags (added, never removed)"),
    "opens": gettext_lazy("Consent for counting opens (yes or no)"),
}
STATUS_LABELS = {
    "status": gettext_lazy("Status (subscribed, unsubscribed, bounced)"),
    "accepts": gettext_lazy("Wants mail (yes or no)"),
    "unsubscribed": gettext_lazy("Unsubscribed (yes, or since when)"),
    "suppressed": gettext_lazy("Must not be mailed (yes, or since when)"),
    "bounced": gettext_lazy("Bounced (yes, or since when)"),
    "complained": gettext_lazy("Complained (yes, or since when)"),
    "list": gettext_lazy("Status on the list that the column names"),
}
# The choices how a file is read.
READING = ("encoding", "delimiter", "header", "dates")
READ_BY = ("encoding", "delimiter", "header")
# The choices about the contacts that another sheet leaves as they are.
STORED = ("consent", "consent_text", "known")
# Instead of a saved mapping.
OWN_GUESS = "guess"


def import_columns(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Store the choices and go to the check; with `reread`, only read the file again. A browser
    without scripts may open this address again."""
    import_ = get_in(request.workspace, Import, pk=pk)
    if request.method != "POST":
        return _to(request, import_)
    if _is_of_other_sheet(request, import_):
        return _refuse_other_sheet(request, import_)
    if import_.state != Import.State.READY:
        reads = _arrives(import_) and "reread" in request.GET
        dialect = _dialect(request.POST)
        return growing(request, import_, dialect=dialect) if reads else _to(request, import_)
    if request.POST.get("sheet", "") not in {"", importdrafts.sheet_of(import_)}:
        return import_sheet(request, pk)
    dialect = _dialect(request.POST)
    if "reread" in request.POST or "reread" in request.GET:
        return shown(request, import_, dialect=dialect, reread=True)
    return _confirmed(request, import_, dialect)


def growing(
    request: WorkspaceRequest, import_: Import, *, dialect: Dialect | None = None
) -> HttpResponse:
    """The columns of a file that still arrives, as its first bytes show them; `dialect`: read again
    like this. What is chosen is kept and there again when the whole file is here."""
    try:
        if importuploads.guess_early(import_):
            return shown(request, import_, dialect=dialect, reread=dialect is not None)
        problem = ""
    except csvdetect.NotCsvError as error:
        problem = str(error)
    return render(request, "contacts/parts/import_arriving.html", {"problem": problem})


def _confirmed(request: WorkspaceRequest, import_: Import, dialect: Dialect) -> HttpResponse:
    lines = importchoices.first_lines(import_, dialect)
    form = ImportForm(request.POST, import_=import_, lines=lines)
    mapping = _mapping(request.POST)
    if not form.is_valid():
        return shown(request, import_, form=form, dialect=dialect, mapping=mapping)
    chosen = form.cleaned_data
    try:
        if chosen["remember"]:
            savedmappings.check_name(import_, chosen["mapping_name"], dialect)
        importchoices.configure(
            import_,
            dialect={n: chosen[n] for n in ("encoding", "delimiter", "header", "dates")},
            mapping=mapping,
            target=_target(request, chosen),
            new_list=chosen["new_list"].strip() if chosen["list"] == NEW_LIST else "",
            consent=chosen["consent"],
            consent_text=chosen["consent_text"],
            known=chosen["known"],
            saved=_saved(request, import_, savedmappings.fitting(import_, dialect)),
        )
        if chosen["remember"]:
            savedmappings.remember(import_, chosen["mapping_name"], by=request.user)
    except (importchoices.ImportRefusedError, savedmappings.SavedMappingError) as error:
        form.add_error(getattr(error, "field", None), str(error))
        return shown(request, import_, form=form, dialect=dialect, mapping=mapping)
    importdrafts.forget(import_)
    return _to(request, import_, "?step=check")


@require_POST
def import_draft(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Keep the choices of the page (services.importdrafts), unless the file is about to be read
    again for them: the answer to that keeps them, too, with what it begins with."""
    import_ = get_in(request.workspace, Import, pk=pk)
    if request.POST.get("read_as") == read_as(request.POST):
        _keep(request, import_)
    return HttpResponse(status=204)


def read_as(choices: Mapping[str, Any]) -> str:
    """How the page was read: another choice of these reads the file again."""
    return f"{_read_by(choices)} {choices.get('saved', '')}"


def _keep(request: WorkspaceRequest, import_: Import) -> None:
    sheet = request.POST.get("shown_sheet", importdrafts.sheet_of(import_))
    importdrafts.keep(import_, sheet, _own(request.POST.dict()))


def _own(choices: dict[str, str]) -> dict[str, str]:
    """The choices without a reading that is only our guess from the first bytes of a file: the
    whole file may show another one."""
    if choices.get("guessed") != _read_by(choices):
        return choices
    return {name: choices[name] for name in choices if name not in READ_BY}


def _read_by(choices: Mapping[str, Any]) -> str:
    return " ".join(str(choices.get(name, "")) for name in READ_BY)


def _stored_reading(import_: Import) -> dict[str, str]:
    """As the form names it."""
    dialect = importfile.dialect_of(import_)
    named = (dialect.encoding, NAMES[dialect.delimiter], str(dialect.header))
    return dict(zip(READ_BY, named, strict=True))


def _is_of_other_sheet(request: WorkspaceRequest, import_: Import) -> bool:
    """Whether another sheet was chosen since the page was loaded."""
    sheet = importdrafts.sheet_of(import_)
    waits = import_.state in {Import.State.READY, Import.State.READING}
    return waits and request.POST.get("shown_sheet", sheet) != sheet


def _refuse_other_sheet(request: WorkspaceRequest, import_: Import) -> HttpResponse:
    _keep(request, import_)
    names = {str(number): name for number, name in import_.dialect.get("sheets", ())}
    text = _(
        "The sheet “{now}” was chosen in another window meanwhile. What you chose for “{before}” "
        "is kept: choose that sheet again to go on with it."
    )
    now = names.get(importdrafts.sheet_of(import_), "")
    messages.error(request, text.format(now=now, before=names.get(request.POST["shown_sheet"], "")))
    return _to(request, import_)


def _to(request: WorkspaceRequest, import_: Import, query: str = "") -> HttpResponse:
    url = reverse("import", args=[request.workspace.slug, import_.pk]) + query
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


@require_POST
def import_sheet(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Read another sheet of the workbook. What was chosen stays, except for the columns."""
    import_ = get_in(request.workspace, Import, pk=pk)
    number = numbers.whole(request.POST.get("sheet", ""))
    if "shown_sheet" in request.POST:
        _keep(request, import_)
    try:
        importuploads.choose_sheet(
            import_,
            -1 if number is None else number,
            enqueue=read_import.delay,
            choices=_choices(request, import_),
        )
        importdrafts.forget_where_to(import_)
        name = dict(import_.dialect["sheets"])[number]
        text = _("The sheet “{name}” is read. See what its columns are, then check.")
        messages.info(request, text.format(name=name))
    except importchoices.ImportRefusedError as error:
        messages.error(request, str(error))
    return _to(request, import_)


def _choices(request: WorkspaceRequest, import_: Import) -> dict[str, Any]:
    """Where the contacts go, as far as it is chosen by now."""
    form = ImportForm(request.POST, import_=import_, lines=())
    form.is_valid()
    chosen = form.cleaned_data
    is_new = request.POST.get("list") == NEW_LIST
    kept: dict[str, Any] = {n: chosen[n] for n in STORED if n in chosen}
    if "list" in chosen:
        kept["list"] = _target(request, chosen)
        kept["new_list"] = request.POST.get("new_list", "").strip()[:100] if is_new else ""
    return kept


def _target(request: WorkspaceRequest, chosen: dict[str, Any]) -> List | None:
    if chosen["list"] in {"", NEW_LIST}:
        return None
    return get_in(request.workspace, List, pk=chosen["list"])


def _dialect(choices: Mapping[str, str]) -> Dialect:
    """The choices on the page, even if the rest of the form is invalid."""
    encoding, header = choices.get("encoding", ""), choices.get("header", "")
    return Dialect(
        encoding if encoding in encodings.ENCODINGS else "utf-8",
        SIGNS.get(choices.get("delimiter", ""), ","),
        int(header) if header.isascii() and header.isdigit() and len(header) < 6 else 0,
    )


def _mapping(choices: Mapping[str, str]) -> list[str]:
    mapping: list[str] = []
    while (target := choices.get(f"column_{len(mapping)}")) is not None:
        mapping.append(target)
    return mapping


def shown(  # noqa: PLR0913 - what of a half-filled page is to be shown again
    request: WorkspaceRequest,
    import_: Import,
    *,
    form: ImportForm | None = None,
    dialect: Dialect | None = None,
    mapping: list[str] | None = None,
    reread: bool = False,
) -> HttpResponse:
    drafted = importdrafts.of(import_) if request.method != "POST" else {}
    if drafted:
        drafted = _stored_reading(import_) | drafted
    if dialect is None:
        dialect = _dialect(drafted) if drafted else importfile.dialect_of(import_)
    too_wide = _too_wide(import_, dialect)
    described = [] if too_wide else importchoices.describe(import_, dialect)
    lines = importchoices.first_lines(import_, dialect)
    fitting = [] if too_wide else savedmappings.fitting(import_, dialect)
    saved = _saved(request, import_, fitting, reread=reread, drafted=drafted)
    use = savedmappings.use(import_, saved, dialect) if saved else None
    begun = use.targets if use else [column.guess for column in described]
    if reread:
        mapping = _read_again(request, described, begun)
    elif mapping is None:
        mapping = _mapping(drafted) if drafted else import_.mapping
        if len(mapping) != len(described):
            mapping = begun
    initial = dict(drafted)
    if reread:
        initial = request.POST.dict() | ({"dates": use.dates} if use and use.dates else {})
        if not too_wide:
            importdrafts.keep(
                import_, importdrafts.sheet_of(import_), _with_mapping(_own(initial), mapping)
            )
    known = Attribute.objects.filter(workspace=request.workspace)
    padded = [*mapping, *[""] * len(described)]
    rows = [
        (number, column, chosen, begun[number], _targets(column, known))
        for number, (column, chosen) in enumerate(zip(described, padded, strict=False))
    ]
    form = form or ImportForm(import_=import_, lines=lines, initial=initial)
    context = {
        "import": import_,
        "step": 2,
        # The file still arrives, and this is only a guess.
        "guessed": _read_by(_stored_reading(import_)) if _arrives(import_) else "",
        "earlier": imports.earlier(import_),
        "fetched": scheduled.fetched(import_),
        "form": form,
        "columns": rows,
        # An error of the form may say it already.
        "too_wide": "" if too_wide in form.non_field_errors() else too_wide,
        "consent_targets": list(STATUS_LABELS),
        "saved_mappings": fitting,
        "use": use,
        "sheet": importdrafts.sheet_of(import_),
        # Why the chosen sheet of a workbook has no columns.
        "unread_sheet": csvdetect.SENTENCES.get(import_.error, ""),
        "read_as": read_as(
            {
                "encoding": dialect.encoding,
                "delimiter": NAMES[dialect.delimiter],
                "header": dialect.header,
                "saved": (use.saved.pk if use else OWN_GUESS) if fitting else "",
            }
        ),
        "reading": _reading(dialect),
        "reading_open": reread
        or bool(too_wide)
        or any(name in form.errors for name in READING)
        or importdoubts.is_doubtful(import_, dialect, described),
    }
    return render(request, "contacts/import_columns.html", context)


def _arrives(import_: Import) -> bool:
    return import_.state == Import.State.UPLOADING


def _with_mapping(choices: Mapping[str, str], mapping: list[str]) -> dict[str, str]:
    others = {name: choices[name] for name in choices if not name.startswith("column_")}
    return others | {f"column_{number}": target for number, target in enumerate(mapping)}


def _reading(dialect: Dialect) -> str:
    """How the file is read, in short."""
    line = (
        _("column names in line {number}").format(number=locales.number(dialect.header))
        if dialect.header
        else _("no column names")
    )
    delimiter = str(csvdetect.DELIMITERS[dialect.delimiter])
    return " · ".join((str(encodings.ENCODINGS[dialect.encoding]), delimiter, line))


def _read_again(
    request: WorkspaceRequest, described: list[columns.Column], begun: list[str]
) -> list[str]:
    """What the new reading begins with. Where the person chose otherwise than the page had begun
    with, the choice stays, if there are as many columns as before."""
    chosen = _mapping(request.POST)
    another = request.POST.get("saved", "") != request.POST.get("saved_before", "")
    if another or len(chosen) != len(described):
        return begun
    mapping = []
    for number, target in enumerate(chosen):
        if target == request.POST.get(f"begun_{number}", target):
            mapping.append(begun[number])
        elif target.startswith("new:"):
            # Its key comes from the header, which may read otherwise now.
            mapping.append(f"new:{described[number].key}:{target.rpartition(':')[2]}")
        else:
            mapping.append(target)
    return mapping


def _saved(
    request: WorkspaceRequest,
    import_: Import,
    fitting: list[SavedMapping],
    *,
    reread: bool = False,
    drafted: Mapping[str, str] | None = None,
) -> SavedMapping | None:
    """The saved mapping that the choices begin with: as chosen on the page, or before (`drafted`);
    after a change of how the file is read, the first that fits now."""
    posted = request.POST if request.method == "POST" else drafted
    chosen = posted.get("saved", "") if posted else str(import_.saved_mapping_id or "")
    by_key = {str(saved.pk): saved for saved in fitting}
    if reread and chosen != OWN_GUESS and chosen not in by_key:
        return next(iter(fitting), None)
    return by_key.get(chosen)


def _too_wide(import_: Import, dialect: Dialect) -> str:
    """The reason why no columns are shown, or ""."""
    try:
        importchoices.refuse_wide(import_, dialect)
    except importchoices.ImportRefusedError as error:
        return str(error)
    return ""


def _targets(column: columns.Column, known: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """The possible targets of a column: [(group, [(target, label)])]."""
    types = dict(Attribute.Type.choices)
    text = _("New attribute: {type}")
    new = [
        (f"new:{column.key}:{name}", text.format(type=types[name])) for name in columns.NEW_TYPES
    ]
    groups = [
        (_("The person"), [(key, str(label)) for key, label in FIELD_LABELS.items()]),
        (_("Attributes"), [(f"attribute:{a.key}", a.label) for a in known]),
        (_("New attribute “{name}”").format(name=column.label or column.key), new),
        (_("Consent"), [(key, str(label)) for key, label in STATUS_LABELS.items()]),
    ]
    return [(name, choices) for name, choices in groups if choices]
