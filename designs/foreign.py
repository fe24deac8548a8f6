"""Finds merge tags of other programs in pasted mails, and converts them into our language. Pure.

Unconverted tags would be sent as plain text. A tag that nobody writes as plain text (`*|FNAME|*`)
is an error; one that may be meant as text (`{name}`, `[email]`) is a warning. Authors mark plain
text with `{% raw %}`. The syntax of the tags is data: foreigntags.toml.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from contacts.columns import BY_NAME, KEYS, fold
from contacts.mergenames import OBJECTS as OF_JINJA
from contacts.mergenames import OF_MAIL, OF_PERSON
from designs.foreigntags import table
from designs.fuel import in_time
from designs.markup import MASK, RAW_BLOCK, jinja_spans
from designs.references import in_text

MOST_TAGS = 2_000
# Possible starts of a tag. The text after so many of them isn't searched.
MOST_PLACES = 50_000
BETWEEN_LOOKS = 1_000
# Choices for a tag, besides a field.
CONVERT, PLAIN = "convert", "plain"
OURS = ("unsubscribe_url", "preferences_url", "view_url", "workspace.name", "workspace.address")
# Names in `{{ }}` besides fields.
GIVEN = frozenset((*OF_MAIL, *OF_PERSON, *OF_JINJA))
# Characters that can begin a tag. No other place is checked.
BEGIN = re.compile(r"[*{<\[%$#@~-]")
CODE = re.compile(r"<(style|script)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# HTML comments, except conditional ones, which Outlook reads.
COMMENT = re.compile(r"<!--(?!\[if).*?(?:-->|\Z)", re.DOTALL)
# Percent-encoded brackets of a tag in a URL.
ESCAPED_TAG = re.compile(r"%7B(?:%7B|contactfield=|leadfield=)", re.IGNORECASE)
ESCAPES = re.compile(r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2}|%?\Z|%?[^%\w])")
OPENS = re.compile(r"[#^]|IF|(?:if|range|with|block|define)\s")
IF = re.compile(r"(?:#\s*if\s+|if\s+\.?|IF:)(?P<not>NOT\s+)?(?P<name>[\w.]+)|IFNOT:(?P<other>\w+)")
ENDS = re.compile(r"/\s*if|end|END:IF(?:NOT)?|END")
ELSES = re.compile(r"else|ELSE:?|\^")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A merge tag of another program. `made`: its conversion; "" if it can't be converted."""

    begin: int
    end: int
    line: int
    text: str
    program: str
    name: str
    sure: bool
    made: str


def find(source: str, fields: Collection[str], *, html: bool = False) -> list[Foreign]:
    """The foreign merge tags of a part, in order. `fields`: our merge fields."""
    hidden = _visible(source, html=html)
    names = _Names(fields, _local_names(source), html)
    found: list[Foreign] = []
    # Text inside our own tags is skipped: a list in brackets is no merge tag.
    ours = dict(jinja_spans(hidden))
    position, line, counted = 0, 1, 0
    for _place in range(MOST_PLACES):
        place = BEGIN.search(hidden, position)
        if place is None or len(found) >= MOST_TAGS:
            break
        if not _place % BETWEEN_LOOKS:
            in_time()
        line, counted = line + source.count("\n", counted, place.start()), place.start()
        tag = _at(hidden, place.start(), line, names)
        position = tag.end if tag else ours.get(place.start(), place.start() + 1)
        if tag:
            found.append(tag)
    return _whole_blocks(found)


def _whole_blocks(tags: list[Foreign]) -> list[Foreign]:
    """If the start of a block can't be converted, its end isn't either: half a block is an
    error."""
    if all(tag.made for tag in tags if OPENS.match(tag.name)):
        return tags
    return [replace(tag, made="") if tag.made.startswith("{%") else tag for tag in tags]


def _visible(source: str, *, html: bool) -> str:
    """The source, with plain text masked: raw blocks, Jinja's comments, style sheets and scripts.
    All positions stay the same."""
    pieces, last = [], 0
    for begin, end in jinja_spans(source):
        if RAW_BLOCK.match(source, begin) or source.startswith("{#", begin):
            pieces += [source[last:begin], MASK * (end - begin)]
            last = end
    hidden = "".join([*pieces, source[last:]])
    if html:
        for pattern in (CODE, COMMENT):
            hidden = pattern.sub(lambda found: MASK * len(found[0]), hidden)
    return hidden


@dataclass(frozen=True, slots=True)
class _Names:
    """Our merge fields, and the names that loops, `set` and `with` define."""

    fields: Collection[str]
    local: set[str]
    html: bool = False

    def ours(self, name: str) -> bool:
        """Whether `{{ name }}` or `{{ name.part }}` is our language already."""
        first = re.split(r"[.|\s]", name, maxsplit=1)[0]
        return first in self.local or first in self.fields or first in GIVEN


def _local_names(source: str) -> set[str]:
    """The names that loops, `set` and `with` define: with them `{{ user.name }}` is our
    language."""
    return set(re.findall(r"\{%-?\s*(?:for|set|with)\s+(\w+)", source))


def _at(hidden: str, place: int, line: int, names: _Names) -> Foreign | None:
    if hidden.startswith("%", place) and _is_escape(hidden, place):
        return None
    of_jinja = hidden.startswith("{{", place)
    for kind in table().beginning(hidden[place]):
        match = kind.pattern.match(hidden, place)
        if match is None:
            continue
        groups = match.groupdict()
        name = (groups.get("name") or "").strip()
        if of_jinja and kind.program in {"", "Klaviyo"} and _is_jinja(groups, names):
            return None
        made = groups.get("url") or _made(name, groups, names)
        if kind.known and not made:
            continue
        sure = of_jinja if kind.known else kind.sure or bool(made)
        return Foreign(place, match.end(), line, match[0], kind.program, name, sure, made)
    return None


def _is_jinja(groups: Mapping[str, str | None], names: _Names) -> bool:
    """Whether it is one of our names, without a filter in the syntax with a colon."""
    return groups.get("other") is None and names.ours((groups["name"] or "").strip())


def _is_escape(text: str, place: int) -> bool:
    """Whether it is a percent-encoded character of a URL, as in "%E4%BD%A0", and not a tag."""
    return not ESCAPED_TAG.match(text, place) and ESCAPES.match(text, place) is not None


def _made(name: str, groups: Mapping[str, str | None], names: _Names) -> str:
    """The tag in our language; "" if it can't be converted."""
    if ENDS.fullmatch(name):
        return "{% endif %}"
    if ELSES.fullmatch(name):
        return "{% else %}"
    if found := IF.fullmatch(name):
        field = field_of(found["name"] or found["other"], names.fields)
        negation = "not " if found["not"] or found["other"] else ""
        return f"{{% if {negation}{field} %}}" if field else ""
    field = field_of(name.removeprefix("/"), names.fields)
    attributes = groups.get("attributes")
    if attributes is not None:
        return _element(name, field, attributes) if names.html else ""
    filters = (groups.get("filters") or "").strip()
    other = (groups.get("other") or "").strip()
    if names.html:
        # HTML editors write quotes as character references; our expressions need plain quotes.
        filters, other = in_text(filters), in_text(other).strip("\"' ")
    return with_default(field + _our_filters(filters), other) if field else ""


def _element(name: str, field: str, attributes: str) -> str:
    """A link that replaces an element of another program."""
    if not field:
        return ""
    if name.startswith("/"):
        return "</a>"
    return f'<a href="{{{{ {field} }}}}"{attributes.rstrip(" /")}>'


def _our_filters(filters: str) -> str:
    return re.sub(r"\w+", lambda word: table().filters.get(word[0], word[0]), filters)


def with_default(field: str, other: str | None) -> str:
    if other:
        quoted = other.strip().replace("\\", "\\\\").replace("'", "\\'")
        return f"{{{{ {field}|default('{quoted}') }}}}"
    return f"{{{{ {field} }}}}"


def field_of(name: str, fields: Collection[str]) -> str:
    """Our merge field for another program's name; "" if we have none."""
    words = [word for word in re.split(r"[.:]", name.strip(" .")) if word]
    # From `Subscriber.Attribs.city` down to `city`: the objects carry no meaning.
    for begin in range(min(len(words), 4)):
        key = fold("".join(words[begin:]))
        if (mine := table().names.get(key)) and (mine in OF_PERSON or mine in OURS):
            return mine
        if BY_NAME.get(key) in OF_PERSON:
            return BY_NAME[key]
        own = {fold(field): field for field in fields}
        if mine := own.get(key) or own.get(fold(KEYS.get(key, ""))):
            return mine
    return ""


def without(source: str, tags: Collection[Foreign]) -> str:
    """The source with blanks instead of the tags, so that the rest can be checked as ours."""
    pieces, last = [], 0
    for tag in tags:
        pieces += [source[last : tag.begin], re.sub(r"[^\n]", " ", tag.text)]
        last = tag.end
    return "".join([*pieces, source[last:]])


def convert(
    source: str,
    fields: Collection[str],
    *,
    chosen: Mapping[str, str] | None = None,
    html: bool = False,
) -> tuple[str, int]:
    """(source with converted tags, number of converted tags).

    `chosen`: {tag as written: one of our fields, CONVERT, PLAIN, or "" to leave it}. A tag without
    a choice is converted if it is surely a tag and has a conversion.
    """
    pieces, last, count = [], 0, 0
    for tag in find(source, fields, html=html):
        made = _chosen(tag, (chosen or {}).get(tag.text))
        if made:
            pieces += [source[last : tag.begin], made]
            last, count = tag.end, count + 1
    return "".join([*pieces, source[last:]]), count


def _chosen(tag: Foreign, choice: str | None) -> str:
    if choice is None:
        return tag.made if tag.sure else ""
    if choice == PLAIN:
        return f"{{% raw %}}{tag.text}{{% endraw %}}"
    if choice == CONVERT:
        return tag.made
    return with_default(choice, None) if choice else ""


def distinct(tags: Collection[Foreign]) -> Iterator[tuple[Foreign, int]]:
    """Each different tag, with the number of its occurrences."""
    counts: dict[str, int] = {}
    for tag in tags:
        counts[tag.text] = counts.get(tag.text, 0) + 1
    seen: set[str] = set()
    for tag in tags:
        if tag.text not in seen:
            seen.add(tag.text)
            yield tag, counts[tag.text]
