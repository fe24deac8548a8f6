"""The file about a person, as JSON and as PDF: who holds the data, and the facts of all sections
(contacts.personfile). Both are written while the facts are read. A section has a bound, and the
file says so if it cuts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts import addresses
from contacts.personfile import Fact, sections
from contacts.services import knownaddresses
from contacts.services.knownaddresses import KnownAddress
from environment import logs
from pages import locales
from pages.pdf import Document

log = logs.get(__name__)
# The form of the JSON (docs/users/person-data.md). A key that is changed or goes makes a new
# version; a new one does not.
FORMAT, VERSION = "yanshu-person", 1
# Facts of a section. A page of the PDF takes about 15 ms of a processor.
MOST_JSON, MOST_PDF = 50_000, 1_000


@dataclass(frozen=True, slots=True)
class PersonFile:
    """The data about the person who has an address."""

    workspace: Workspace
    known: KnownAddress

    @property
    def name(self) -> str:
        """Of the file, without its ending. No address: names of files end up in many places."""
        number = self.known.contact.pk if self.known.contact else "address"
        return f"person-{self.workspace.slug}-{number}"


def of(workspace: Workspace, typed: str) -> PersonFile:
    """Raises addresses.AddressError."""
    return PersonFile(workspace, knownaddresses.find(workspace, addresses.normalise(typed)))


def note(file: PersonFile, form: str, by: User) -> None:
    """The line of the log that says who got the data."""
    contact = file.known.contact
    log.info(
        "person's data exported",
        workspace=file.workspace.pk,
        contact=contact.pk if contact else 0,
        user=by.pk,
        format=form,
    )


# JSON --------------------------------------------------------------------------------------------


def as_json(file: PersonFile) -> Iterator[bytes]:
    """In pieces: one for each fact."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": timezone.now(),
        "language": get_language(),
        "holder": {
            "name": file.workspace.name,
            "postal_address": file.workspace.postal_address,
            "sender_name": file.workspace.from_name,
            "sender_address": file.workspace.from_email,
        },
        "asked_for": file.known.address,
        "all_addresses": list(file.known.proven),
    }
    cut: dict[str, int] = {}
    yield _written(head)[:-1].encode() + b',\n"sections": {'
    for number, section in enumerate(sections):
        yield (",\n" if number else "\n").encode() + _written(section.key).encode() + b": ["
        facts = section.facts(file.known.surely)
        for place, fact in enumerate(islice(facts, MOST_JSON)):
            yield (",\n " if place else "\n ").encode() + _written(fact.data).encode()
        if next(facts, None) is not None:
            cut[section.key] = MOST_JSON
        yield b"]"
    yield b'},\n"cut": ' + _written(cut).encode() + b"}\n"


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder)


# PDF ---------------------------------------------------------------------------------------------


def write_pdf(file: PersonFile, out: IO[bytes]) -> None:
    """In the language that is active."""
    shown = addresses.display(file.known.address)
    title = _("Data about {address}").format(address=shown)
    name = file.workspace.name
    document = Document(out, title=title, subject=name, language=get_language() or "en")
    document.title(title)
    _write_holder(document, file)
    for section in sections:
        facts = section.facts(file.known.surely)
        shown_facts = list(islice(facts, MOST_PDF))
        if not shown_facts:
            continue
        document.heading(str(section.title))
        for fact in shown_facts:
            _write_fact(document, fact)
        if next(facts, None) is not None:
            said = _("Only the newest {count} are here. The same file as JSON has more.")
            document.text(said.format(count=locales.number(MOST_PDF)), gap=8.0)
    _write_end(document)
    document.finish()


def _write_holder(document: Document, file: PersonFile) -> None:
    workspace = file.workspace
    sender = " ".join(filter(None, (workspace.from_name, workspace.from_email)))
    document.text(_("The data is held by {name}.").format(name=workspace.name))
    for line in (workspace.postal_address, sender):
        if line:
            document.text(line)
    document.text(_("As of {when}.").format(when=locales.absolute(timezone.now())))
    others = [addresses.display(one) for one in file.known.proven if one != file.known.address]
    if others:
        said = _("Also looked for, as addresses of the same person: {addresses}.")
        document.text(said.format(addresses=locales.listed(others)))
    if file.known.contact is None:
        document.text(_("No contact has this address now. What is known of the address is below."))


def _write_fact(document: Document, fact: Fact) -> None:
    document.text(fact.title, gap=6.0)
    if fact.at is not None:
        document.text(locales.absolute(fact.at), indent=12.0, small=True, gap=0.0)
    for line in fact.lines:
        document.text(line, indent=12.0, small=True, gap=0.0)


def _write_end(document: Document) -> None:
    document.heading(_("About this file"))
    document.text(
        _(
            "Opens and clicks are here only where they are stored for the person. Copies in backups"
            " end with the backups."
        )
    )
    if document.has_names:
        document.text(
            _(
                "Letters that no font of this file has are written by their Unicode names, between"
                " ‹ and ›. The same file as JSON has them exactly."
            )
        )
