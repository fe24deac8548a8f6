"""`manage.py import_contacts`: a CSV file into a workspace, by the same services as the page."""

import json
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import Workspace
from contacts import csvdetect, importfile, mappings, rejectfile
from contacts.csvfile import Dialect
from contacts.models import Import, List, Subscription
from contacts.services import importrun, imports, lists
from contacts.values import ORDERS

HELP = """Imports a CSV file of people.

Encoding, delimiter, header and columns are found out, as on the page; options say otherwise.
Whoever unsubscribed, bounced or is suppressed stays so.

--map "Header=target", as often as needed ("#3=target" for the third column). Targets: email,
first_name, last_name, full_name, status, accepts, unsubscribed, the name of an attribute, new or
new:text|number|date|boolean for a new attribute, ignore.

exit codes:
  0  every line was imported, or was known already
  1  the import failed or was cancelled
  2  it was called in a wrong way, or the file can't be used: nothing was imported
  3  it is done, but some lines were rejected (see --rejects)
"""
USAGE, FAILED, REJECTED = 2, 1, 3
DELIMITERS = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "bar": "|"}
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
        parser.add_argument("file", metavar="FILE", help='path of the CSV file, "-" for stdin')
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--list", metavar="NAME", help="made if there is none of that name")
        parser.add_argument("--map", action="append", default=[], metavar="HEADER=TARGET")
        parser.add_argument("--encoding", choices=sorted(csvdetect.ENCODINGS))
        parser.add_argument("--delimiter", help="a character, or tab")
        parser.add_argument("--no-header", action="store_true", help="the first line is a person")
        parser.add_argument(
            "--dates", choices=[order for order in ORDERS if order], help="how 3/5/2024 is meant"
        )
        parser.add_argument("--known", choices=Import.Known.values, default=Import.Known.FILL)
        parser.add_argument(
            "--consent",
            choices=Subscription.Consent.values,
            default=Subscription.Consent.UNKNOWN,
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")
        parser.add_argument("--rejects", metavar="FILE", help="write rejected lines there, as CSV")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            slugs = ", ".join(Workspace.objects.order_by("slug").values_list("slug", flat=True))
            raise wrong(f'There is no workspace "{options["workspace"]}". There are: {slugs}.')
        file = received(workspace, options["file"])
        try:
            configured(file, options)
            counts = self.dry_run(file, options) if options["dry_run"] else run(file, options)
        finally:
            if file.state == Import.State.READY:  # a dry run, or refused before it began
                file.delete()
        self.say(file, counts, options)
        if file.state in {Import.State.FAILED, Import.State.CANCELLED}:
            why = file.error or "Somebody cancelled it."
            raise CommandError(f"The import stopped. {why}", returncode=FAILED)
        if counts["rejected"]:
            sys.exit(REJECTED)

    def dry_run(self, file: Import, options: dict[str, Any]) -> dict[str, int]:
        most = importrun.REPORTED_VALUES if options["rejects"] else 0
        checked = imports.check(file, rows=None, examples=0, problems=most)
        if options["rejects"]:
            write(options["rejects"], rejectfile.written(file, checked.rejects))
        return checked.counts

    def say(self, file: Import, counts: dict[str, int], options: dict[str, Any]) -> None:
        shown = {name: counts.get(name, 0) for name in importrun.COUNTS}
        if options["json"]:
            about = {"import": file.pk, "state": file.state, "dry_run": options["dry_run"]}
            self.stdout.write(json.dumps(about | shown))
            return
        self.stdout.write("Nothing was changed. It would be:" if options["dry_run"] else "Done:")
        for name, number in shown.items():
            self.stdout.write(f"  {number:>12,}  {name}")


def wrong(text: str) -> CommandError:
    return CommandError(text, returncode=USAGE)


def received(workspace: Workspace, path: str) -> Import:
    """The file as an import that isn't configured yet."""
    name = "stdin" if path == "-" else Path(path).name
    try:
        with closing(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as source:
            return imports.receive(
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


def pieces(source: IO[bytes]) -> Iterator[bytes]:
    while data := source.read(importfile.CHUNK):
        yield data


def configured(file: Import, options: dict[str, Any]) -> None:
    """Keep what was chosen; a list that isn't there is made, but not by a dry run."""
    dialect = file.dialect | {
        name: options[name] for name in ("encoding", "dates") if options[name]
    }
    if options["delimiter"]:
        dialect["delimiter"] = DELIMITERS.get(options["delimiter"], options["delimiter"])
        if dialect["delimiter"] not in csvdetect.DELIMITERS:
            raise wrong("--delimiter must be a comma, a semicolon, a bar or tab.")
    if options["no_header"]:
        dialect["header"] = False
    read = Dialect(dialect["encoding"], dialect["delimiter"], dialect["header"])
    described = imports.describe(file, read)
    try:
        known = importrun.attributes_of(file.workspace_id)
        mapping = mappings.overridden(described, options["map"], known)
    except mappings.UnknownError as error:
        names = ", ".join(column.header or "(none)" for column in described)
        raise wrong(PROBLEMS[error.what].format(text=error.text, columns=names)) from error
    if "email" not in mapping:
        raise wrong('No column holds e-mail addresses. Say which one with --map "Header=email".')
    try:
        imports.configure(
            file,
            dialect=dialect,
            mapping=mapping,
            target=target(file.workspace, options),
            consent=options["consent"],
            known=options["known"],
        )
    except imports.RefusedError as error:
        raise wrong(str(error)) from error


def target(workspace: Workspace, options: dict[str, Any]) -> List | None:
    name = options["list"]
    if not name:
        return None
    if options["dry_run"]:
        return List.objects.filter(workspace=workspace, name=name).first()
    return lists.create(workspace, name=name)


def run(file: Import, options: dict[str, Any]) -> dict[str, int]:
    """Import it here; Ctrl-C cancels it. A worker that took it meanwhile is waited for."""
    imports.start(file, enqueue=None)
    hidden = options["json"] or not sys.stderr.isatty()
    with tqdm(total=file.size, unit="B", unit_scale=True, disable=hidden, file=sys.stderr) as bar:

        def progress(held: Import) -> None:
            bar.set_postfix(lines=f"{held.counts['rows']:,}", refresh=False)
            bar.update(held.next_byte - bar.n)

        try:
            while file.state not in imports.ENDED:
                if not importrun.run(file.pk, progress=progress):
                    time.sleep(0.05)
                file.refresh_from_db()
        except KeyboardInterrupt:
            imports.cancel(file)
            file.refresh_from_db()
    if options["rejects"]:
        write(options["rejects"], rejectfile.stream(file))
    counts: dict[str, int] = file.counts
    return counts


def write(path: str, content: Iterable[bytes]) -> None:
    try:
        with Path(path).open("wb") as out:
            out.writelines(content)
    except OSError as error:
        raise CommandError(
            f"The rejected lines can't be written to {path}: {error.strerror}.", returncode=FAILED
        ) from error
