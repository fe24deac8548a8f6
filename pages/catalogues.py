"""Extracts, compiles and checks the translation catalogues with Babel.

Each app has one catalogue, <app>/locale/zh_Hans/LC_MESSAGES/django.po, for its Python and
templates. Needs neither settings nor the gettext programs:

    python -m pages.catalogues extract|compile|check [app ...]
"""

import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract as extract_from
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = "zh_Hans"
# {app: folders below templates/ (or patterns) with its strings}.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "pages": ("pages", "parts", "*.html"),
    "accounts": ("accounts", "account", "notices", "allauth"),
    "contacts": ("contacts",),
    "designs": ("designs",),
    "relays": ("relays",),
    "sending": ("sending",),
    "bounces": ("bounces",),
    "tracking": ("tracking", "public"),
    "signups": ("signups",),
    "campaigns": ("campaigns",),
    "home": ("home",),
    "sandbox": ("sandbox",),
    "operations": ("operations",),
}
FUNCTIONS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
# Without dates and program names, so that the file changes only with its strings.
HEADER = """\
# Yanshu in Simplified Chinese: the strings of `{app}`. Written by `manage.py messages`.
msgid ""
msgstr ""
"Language: zh_Hans\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
# Chinese has full-width punctuation, ，；：？！, after a Chinese character or a closing mark.
NARROW = re.compile(r"[\u4e00-\u9fff”》）][,;:?!]")


def po_path(app: str) -> Path:
    return ROOT / app / "locale" / LOCALE / "LC_MESSAGES" / "django.po"


def _sources(app: str) -> Iterator[Path]:
    """The files with an app's strings, always in the same order."""
    for file in sorted((ROOT / app).rglob("*.py")):
        if "migrations" not in file.parts:
            yield file
    if app == "pages":
        yield ROOT / "config" / "settings.py"
    if app == "relays":
        yield ROOT / "smtp" / "remarks.py"  # smtp knows no gettext
    for place in TEMPLATES[app]:
        if "*" in place:
            yield from sorted((ROOT / "templates").glob(place))
        else:
            yield from (f for f in sorted((ROOT / "templates" / place).rglob("*")) if f.is_file())


def _python_of(file: Path) -> str:
    """The file as Python source. The translated strings of a template become calls."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return text
    # Removes the indentation: the Python tokenizer would read it as blocks.
    return "\n".join(line.strip() for line in templatize(text, origin=str(file)).splitlines())


def extract(app: str) -> Catalog:
    """The strings in the app's current sources, without translations."""
    catalog = Catalog(locale=LOCALE, fuzzy=False)
    for file in _sources(app):
        place = (file.relative_to(ROOT).as_posix(), 1)
        source = io.BytesIO(_python_of(file).encode())
        found = extract_from("python", source, FUNCTIONS, ("Translators:",), {"encoding": "utf-8"})
        for _line, text, comments, context in found:
            catalog.add(text, None, [place], auto_comments=comments, context=context)
    return catalog


def read(app: str) -> Catalog:
    """The app's catalogue as it is on disk."""
    path = po_path(app)
    if not path.exists():
        return Catalog(locale=LOCALE, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=LOCALE)


def _messages(catalog: Catalog) -> dict[tuple[object, str | None], Message]:
    """{(id, context): message}, without the header. A string and its plural form one id."""
    return {(m.id, m.context): m for m in catalog if m.id}


def merged(app: str) -> Catalog:
    """The strings in the current sources with their known translations. A string that moved from
    another app keeps its translation."""
    known = {key: message for other in TEMPLATES for key, message in _messages(read(other)).items()}
    catalog, known = extract(app), known | _messages(read(app))
    for key, message in _messages(catalog).items():
        if old := known.get(key):
            message.string = old.string
            message.user_comments = old.user_comments
            if old.fuzzy:
                message.flags.add("fuzzy")
    return catalog


def po_text(app: str, catalog: Catalog) -> str:
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, omit_header=True, include_lineno=False)
    return HEADER.format(app=app) + buffer.getvalue().decode().lstrip("\n")


def save(apps: Iterable[str]) -> None:
    """Writes the merged catalogues. Reads all before it writes any: strings move between apps."""
    texts = {app: po_text(app, merged(app)) for app in apps}
    for app, text in texts.items():
        path = po_path(app)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def build(app: str) -> None:
    """Writes the .mo file atomically, because a running server reads it."""
    path = po_path(app)
    if not path.exists():
        return
    made = path.with_suffix(".mo")
    draft = made.with_suffix(f".{os.getpid()}")
    with draft.open("wb") as file:
        write_mo(file, read(app))
    draft.replace(made)


def _strings_of(message: Message) -> list[str]:
    given = message.string
    return [given] if isinstance(given, str) else list(given or ("",))


def _placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def problems(app: str) -> list[str]:
    """The problems of an app's catalogue, one sentence each."""
    wanted, there = _messages(extract(app)), _messages(read(app))
    name = po_path(app).relative_to(ROOT).as_posix()
    found = [f"{name}: not in the catalogue: {key[0]!r}" for key in wanted.keys() - there.keys()]
    found += [f"{name}: no longer used: {key[0]!r}" for key in there.keys() - wanted.keys()]
    for key, message in there.items():
        said = _strings_of(message)
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        if message.fuzzy:
            found.append(f"{name}: fuzzy: {key[0]!r}")
        if not all(said):
            found.append(f"{name}: not translated: {key[0]!r}")
        elif any(_placeholders(text) - _placeholders(" ".join(ids)) for text in said):
            found.append(f"{name}: unknown placeholder in the translation of {key[0]!r}")
        elif any(NARROW.search(text) for text in said):
            found.append(f"{name}: half-width punctuation in the translation of {key[0]!r}")
        elif len(ids) == 1 and _placeholders(ids[0]) != _placeholders(said[0]):
            found.append(f"{name}: a placeholder is missing in the translation of {key[0]!r}")
    return sorted(found)


def clashes() -> list[str]:
    """Strings that two apps translate differently, one sentence each. Django merges all catalogues,
    so the translation of the app to the left is shown everywhere. Give a string with another
    meaning a context."""
    said: dict[tuple[object, str | None], dict[str, str]] = {}
    for app in TEMPLATES:
        for message in read(app):
            if message.id and all(strings := _strings_of(message)):
                key = (
                    (message.id if isinstance(message.id, str) else message.id[0]),
                    message.context,
                )
                said.setdefault(key, {}).setdefault(strings[0], app)
    return sorted(
        f"{key[0]!r} is said in {len(ways)} ways: "
        + ", ".join(f"{way} ({app})" for way, app in ways.items())
        for key, ways in said.items()
        if len(ways) > 1
    )


def main(verb: str, *apps: str) -> int:
    """Runs one verb for these apps, or for all. Returns the exit code."""
    if verb not in {"extract", "compile", "check"} or set(apps) - set(TEMPLATES):
        sys.stderr.write("usage: extract | compile | check [app ...]\n")
        return 2
    wrong: list[str] = []
    if verb == "extract":
        save(apps or TEMPLATES)
        return 0
    for app in apps or TEMPLATES:
        if verb == "compile":
            build(app)
        else:
            wrong += problems(app)
    if verb == "check":
        wrong += clashes()
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or [""])))
