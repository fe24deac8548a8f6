"""`manage.py import_contacts`: imports a CSV file or a workbook into a workspace, with the same
services as the page."""

import json
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import Workspace
from contacts import columns, csvdetect, encodings, mappings, statuswords
from contacts.columns import Column
from contacts.csvfile import Dialect
from contacts.models import Import, List, SavedMapping, Subscription
from contacts.services import (
    importchecks,
    importchoices,
    importfile,
    importlayout,
    importnotes,
    importrun,
    imports,
    importuploads,
    importwords,
    rejectfile,
    savedmappings,
    unfinished,
)
from contacts.services import statuswords as answered
from contacts.services.importwords import SHOWN
from contacts.statuswords import Word, WordCounts
from contacts.values import ORDERS
from pages.oneline import one_line

HELP = """Imports a file of people: CSV, also in a ZIP file, or a workbook (.xlsx, .xls, .ods).

Encoding, delimiter, header and columns are found out, as on the page; options say otherwise.
Whoever unsubscribed, bounced or is suppressed stays so.

--map "Header=target", as often as needed ("#3=target" for the third column). Targets: email,
first_name, last_name, full_name, tags, opens (consent for counting opens: yes or no), the name of
an attribute, new or
new:text|number|date|boolean for a new attribute, ignore; and for how people stand: status
(subscribed, unsubscribed, ...), accepts (yes or no), unsubscribed, suppressed, bounced, complained
(yes, or since when).

--mapping NAME uses a mapping that somebody saved in the step Columns of an import's page, for a
file with the same column names; --map changes single columns of it.

In an export from Yanshu the column "list: NAME" (target list) says how people stand on that list,
and decides if the file is imported into it.

A word in such a column that nobody has explained subscribes nobody. It is listed at the end;
--status-word "WORD=meaning" says what it means in this file, as often as needed ("=meaning" for
empty cells). Meanings: subscribed, unsubscribed, bounced, complained, suppressed, skip (not on the
list). What was answered on the import's page counts here as well.

--unsubscribed-from everywhere|list says what the file means by "unsubscribed" of people who are
subscribed to other lists, too: no mail at all, so their addresses are suppressed (everywhere, if
you don't say), or none of this list (list).

exit codes:
  0  every line was imported, or was known already
  1  the import failed or was cancelled
  2  it was called in a wrong way, or the file can't be used: nothing was imported
  3  it is done, but some lines were rejected (see --rejects)
  4  it is done, but some people are not subscribed: nobody has said what their status means
  5  it is done, with rejected lines and with people who are not subscribed for that reason
"""
USAGE, FAILED, REJECTED, WAITING, REJECTED_AND_WAITING = 2, 1, 3, 4, 5
DELIMITERS = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "bar": "|"}
LABELS = {
    "not_subscribed": "not subscribed according to the file",
    "asked": "waiting for an answer: not subscribed",
    "stopped": "newly suppressed, as the file says",
    "elsewhere": "unsubscribed in the file, subscribed to other lists",
    "tagged": "tagged",
    "new_tags": "new tags",
    "opens_given": "agreed to the counting of opens",
    "opens_refused": "refused the counting of opens",
    "unusable": "values left out",
    "blank": "blank lines",
    "above": "lines above the column names",
}
LONGEST_LIST = 100
PROBLEMS = {
    "form": '--map must look like "Header=target", not "{text}".',
    "column": 'The file has no column "{text}". Its columns: {columns}.',
    "target": 'A column can\'t become "{text}". See --help for what it can become.',
}


class Command(BaseCommand):
    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs["formatter_class"] = RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help='path of the file, "-" for stdin')
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--list", metavar="NAME", help="made if there is none of that name")
        parser.add_argument(
            "--mapping", metavar="NAME", help="a mapping that was saved on the pages"
        )
        parser.add_argument("--map", action="append", default=[], metavar="HEADER=TARGET")
        parser.add_argument(
            "--sheet", metavar="NAME", help="of a workbook; else its first with rows"
        )
        parser.add_argument("--encoding", help=f"one of {', '.join(encodings.ENCODINGS)}")
        parser.add_argument("--delimiter", help="a character, or tab")
        parser.add_argument(
            "--header-line",
            metavar="N",
            help="the line that names the columns; none or 0: no line does",
        )
        parser.add_argument(
            "--no-header", action="store_true", help="the same as --header-line none"
        )
        parser.add_argument("--status-word", action="append", default=[], metavar="WORD=MEANING")
        parser.add_argument(
            "--dates", choices=[order for order in ORDERS if order], help="how 3/5/2024 is meant"
        )
        parser.add_argument("--known", choices=Import.Known.values, default=Import.Known.FILL)
        parser.add_argument(
            "--consent",
            choices=Subscription.Consent.values,
            default=Subscription.Consent.UNKNOWN,
        )
        parser.add_argument(
            "--consent-text", default="", help="the text that they agreed to, as it was shown"
        )
        parser.add_argument("--unsubscribed-from", choices=answered.SCOPES, metavar="SCOPE")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")
        parser.add_argument("--rejects", metavar="FILE", help="write rejected lines there, as CSV")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            slugs = ", ".join(Workspace.objects.order_by("slug").values_list("slug", flat=True))
            raise wrong(f'There is no workspace "{options["workspace"]}". There are: {slugs}.')
        import_ = received(workspace, options["file"])
        try:
            choose_sheet(import_, options["sheet"])
            unread = configured(import_, options)
            notes = importnotes.notes(import_, importlayout.layout_of(import_))
            notes += lost_attributes(import_)
            counts, words = (
                self.dry_run(import_, options) if options["dry_run"] else run(import_, options)
            )
            names = importwords.column_names(import_)
            asked = [(names.get(word.column, ""), word) for word in words.asked]
        finally:
            if import_.state in unfinished.WAITING:  # a dry run, or refused before it began
                import_.delete()
        self.say(import_, counts, asked, options)
        if not options["json"]:
            for note in notes:
                self.stdout.write(f"\n{note}")
            self.warn(unread)
        if import_.state in {Import.State.FAILED, Import.State.CANCELLED}:
            why = import_.error or "Somebody cancelled it."
            raise CommandError(f"The import stopped. {why}", returncode=FAILED)
        self.end(counts, options)

    def end(self, counts: dict[str, int], options: dict[str, Any]) -> None:
        """Exit with the code for rejected lines and open questions; the last line tells about the
        latter."""
        rejected, waiting = counts.get("rejected", 0), counts.get("asked", 0)
        if waiting:
            code = REJECTED_AND_WAITING if rejected else WAITING
            if not options["json"]:
                self.stdout.write(
                    f"\nWaiting for an answer: {waiting:,} people are not subscribed. "
                    f"Exit code {code}."
                )
            sys.exit(code)
        if rejected:
            sys.exit(REJECTED)

    @staticmethod
    def dry_run(import_: Import, options: dict[str, Any]) -> tuple[dict[str, int], WordCounts]:
        most = importrun.REPORTED_VALUES if options["rejects"] else 0
        checked = importchecks.check(import_, rows=None, examples=0, problems=most)
        if options["rejects"]:
            write(options["rejects"], rejectfile.written(import_, checked.rejects))
        return checked.counts, checked.words

    def say(
        self,
        import_: Import,
        counts: dict[str, int],
        asked: list[tuple[str, Word]],
        options: dict[str, Any],
    ) -> None:
        shown = {name: counts.get(name, 0) for name in importrun.COUNTS}
        if options["json"]:
            about = {"import": import_.pk, "state": import_.state, "dry_run": options["dry_run"]}
            words = [
                {
                    "column": column,
                    "word": word.text,
                    "count": word.count,
                    "suggestion": word.suggestion,
                }
                for column, word in asked
            ]
            self.stdout.write(json.dumps(about | shown | {"words": words}))
            return
        self.stdout.write("Nothing was changed. It would be:" if options["dry_run"] else "Done:")
        for name, number in shown.items():
            self.stdout.write(f"  {number:>12,}  {LABELS.get(name, name)}")
        if asked:
            self.explain(shown["asked"], asked)
        if shown["elsewhere"] and not options["unsubscribed_from"]:
            self.explain_scope(shown["elsewhere"], dry_run=options["dry_run"])

    def explain_scope(self, people: int, *, dry_run: bool) -> None:
        """Says what was done to people on other lists, and how to get the other treatment."""
        done = "would be suppressed" if dry_run else "were suppressed"
        self.stdout.write(
            f"\nUnsubscribed in the file, and subscribed to other lists: {people:,}. "
            f"They {done}: nobody has said that they left only this list. If they did, "
            + ("say" if dry_run else "lift the suppressions, and next time say")
            + " --unsubscribed-from list."
        )

    def warn(self, unread: list[Column]) -> None:
        """Warns of columns that may contain statuses but are not read as such."""
        for column in unread:
            self.stdout.write(
                f'\nColumn "{column.header}" has "{column.leaving[:60]}", which speaks of somebody '
                "who wants no mail. Nobody is left out for it. If the column says how people "
                f'stand, import the file again with --map "{column.header}=status".'
            )

    def explain(self, people: int, asked: list[tuple[str, Word]]) -> None:
        """Lists the words without an answer, and says what to do."""
        waiting = f"{people:,} people are not subscribed, since n" if people else "N"
        self.stdout.write(f"\n{waiting}obody has said what these words mean:")
        for column, word in asked[:SHOWN]:
            shown = f'"{word.text}"' if word.key else "(empty cell)"
            hint = f"  probably: {word.suggestion}" if word.suggestion else ""
            self.stdout.write(f'  {word.count:>12,}  {shown}  in column "{column}"{hint}')
        if len(asked) > SHOWN:
            others = sum(word.count for _, word in asked[SHOWN:])
            self.stdout.write(
                f"  {others:>12,}  other words. With so many, this is probably no status column: "
                '--map "Header=ignore" leaves it out.'
            )
        self.stdout.write(
            'Import the file again with --status-word "WORD=subscribed" (or unsubscribed, bounced, '
            "complained, suppressed, skip) for each."
        )


def wrong(text: str) -> CommandError:
    return CommandError(text, returncode=USAGE)


def received(workspace: Workspace, path: str) -> Import:
    """Makes an import from the file, not configured yet."""
    name = "stdin" if path == "-" else Path(path).name
    try:
        with closing(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as source:
            return importuploads.receive(
                workspace,
                filename=name,
                pieces=pieces(source),
                by=None,
                limit=settings.IMPORT_MAX_BYTES,
            )
    except OSError as error:
        raise wrong(f"{path} can't be read: {error.strerror}.") from error
    except (importfile.UploadError, csvdetect.NotCsvError) as error:
        raise wrong(f"{path}: {error}") from error


def choose_sheet(import_: Import, name: str | None) -> None:
    """Reads the sheet with this name, if one is given."""
    sheets = import_.dialect.get("sheets", ())
    if name is None:
        return
    number = next((number for number, known in sheets if known == name), None)
    if number is None:
        known = ", ".join(known for _number, known in sheets) or "none, the file is no workbook"
        raise wrong(f'There is no sheet "{name}" with rows. There are: {known}.')
    if number == import_.dialect["sheet"]:
        return
    try:
        importuploads.choose_sheet(import_, number)
    except csvdetect.NotCsvError as error:
        raise wrong(str(error)) from error


def pieces(source: IO[bytes]) -> Iterator[bytes]:
    while data := source.read(importfile.CHUNK):
        yield data


def configured(import_: Import, options: dict[str, Any]) -> list[Column]:
    """Stores the choices. Returns columns about people who left that are not read as status
    columns."""
    dialect = read_as(import_, options)
    reading = Dialect(dialect["encoding"], dialect["delimiter"], dialect["header"])
    try:
        importchoices.refuse_wide(import_, reading)
    except importchoices.ImportRefusedError as error:
        raise wrong(str(error)) from error
    described = importchoices.describe(import_, reading)
    use = saved_mapping(import_, reading, options["mapping"]) if options["mapping"] else None
    if use:
        dates = options["dates"] or use.dates or dialect["dates"]
        dialect |= {"header": use.dialect.header, "dates": dates}
        described = importchoices.describe(import_, use.dialect)
        described = [
            replace(column, guess=target)
            for column, target in zip(described, use.targets, strict=True)
        ]
    try:
        known = importrun.attributes_of(import_.workspace_id)
        mapping = mappings.overridden(described, options["map"], known)
    except mappings.UnknownChoiceError as error:
        names = ", ".join(column.header or "(none)" for column in described)
        raise wrong(PROBLEMS[error.what].format(text=error.text, columns=names)) from error
    if "email" not in mapping:
        raise wrong('No column holds e-mail addresses. Say which one with --map "Header=email".')
    name = one_line(options["list"] or "")
    if len(name) > LONGEST_LIST:
        raise wrong(f"--list must have at most {LONGEST_LIST} characters.")
    try:
        importchoices.configure(
            import_,
            dialect=dialect,
            mapping=mapping,
            target=List.objects.filter(workspace=import_.workspace, name=name).first(),
            new_list=name,
            consent=options["consent"],
            consent_text=options["consent_text"],
            known=options["known"],
            answers=answers(options["status_word"]) | scope(options["unsubscribed_from"]),
            saved=use.saved if use else None,
        )
    except importchoices.ImportRefusedError as error:
        raise wrong(str(error)) from error
    return [
        column
        for column, target in zip(described, mapping, strict=True)
        if column.leaving and target not in columns.STATUS_FIELDS
    ]


def saved_mapping(import_: Import, reading: Dialect, name: str) -> savedmappings.Use:
    """The saved mapping of this name for the file."""
    own = SavedMapping.objects.filter(workspace=import_.workspace)
    if not own.filter(name=name).exists():
        names = ", ".join(own.order_by("name").values_list("name", flat=True)) or "none"
        raise wrong(f'There is no saved mapping "{name}". There are: {names}.')
    use = savedmappings.found(import_, reading, name=name)
    if use is None:
        raise wrong(f'The saved mapping "{name}" is for files with other column names.')
    return use


def lost_attributes(import_: Import) -> list[str]:
    """A sentence about columns of the saved mapping whose attribute was deleted."""
    if import_.saved_mapping is None:
        return []
    use = savedmappings.use(import_, import_.saved_mapping, importfile.dialect_of(import_))
    if not use.lost:
        return []
    text = "The attributes of these columns were deleted; they become what is guessed: {}."
    return [text.format(", ".join(use.lost))]


def read_as(import_: Import, options: dict[str, Any]) -> dict[str, Any]:
    """The detected dialect, with the options' values instead."""
    dialect: dict[str, Any] = import_.dialect | {}
    if options["dates"]:
        dialect["dates"] = options["dates"]
    if options["encoding"]:
        dialect["encoding"] = encodings.named(options["encoding"])
        if not dialect["encoding"]:
            raise wrong(f"--encoding must be one of {', '.join(encodings.ENCODINGS)}.")
    if options["delimiter"]:
        dialect["delimiter"] = DELIMITERS.get(options["delimiter"], options["delimiter"])
        if dialect["delimiter"] not in csvdetect.DELIMITERS:
            raise wrong("--delimiter must be a comma, a semicolon, a bar or tab.")
    line = "none" if options["no_header"] else str(options["header_line"] or "")
    if line:
        if line != "none" and not (line.isascii() and line.isdigit() and len(line) < 6):
            raise wrong("--header-line must be the number of a line, or none.")
        dialect["header"] = 0 if line == "none" else int(line)
    return dialect


def answers(said: Iterable[str]) -> dict[tuple[str, str], str]:
    """The answers of --status-word, for every kind of status column."""
    found: dict[tuple[str, str], str] = {}
    for text in said:
        word, equals, meaning = text.rpartition("=")
        meaning = meaning.strip().lower()
        if not equals or meaning not in statuswords.MEANINGS:
            raise wrong(
                f'--status-word must look like "WORD=meaning", not "{text}". '
                f"Meanings: {', '.join(statuswords.MEANINGS)}."
            )
        key = statuswords.key_of(word)
        found |= {(kind, key): meaning for kind in statuswords.KINDS}
    return found


def scope(said: str | None) -> dict[tuple[str, str], str]:
    """The answer of --unsubscribed-from."""
    return {answered.ELSEWHERE: said} if said else {}


def run(import_: Import, options: dict[str, Any]) -> tuple[dict[str, int], WordCounts]:
    """Run the import here; Ctrl-C cancels it. If a worker has claimed it meanwhile, wait for
    that."""
    try:
        imports.start(import_, enqueue=None)
    except importchoices.ImportRefusedError as error:
        raise wrong(str(error)) from error
    savedmappings.used(import_)
    hidden = options["json"] or not sys.stderr.isatty()
    with tqdm(
        total=import_.size, unit="B", unit_scale=True, disable=hidden, file=sys.stderr
    ) as bar:

        def progress(import_: Import) -> None:
            bar.set_postfix(lines=f"{import_.counts['rows']:,}", refresh=False)
            bar.update(import_.next_byte - bar.n)

        try:
            while import_.state not in imports.ENDED:
                if not importrun.run(import_.pk, progress=progress):
                    time.sleep(0.05)
                import_.refresh_from_db()
        except KeyboardInterrupt:
            imports.cancel(import_)
            import_.refresh_from_db()
    if options["rejects"]:
        write(options["rejects"], rejectfile.stream(import_))
    return import_.counts, WordCounts(import_.words)


def write(path: str, content: Iterable[bytes]) -> None:
    try:
        with Path(path).open("wb") as out:
            out.writelines(content)
    except OSError as error:
        raise CommandError(
            f"The rejected lines can't be written to {path}: {error.strerror}.", returncode=FAILED
        ) from error
