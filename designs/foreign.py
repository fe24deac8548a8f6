"""Merge tags of other programs, as pasted mails have them: found, and put into our language. Pure.

They would be sent as they stand. What no author writes for its own sake (`*|FNAME|*`) is sure, and
an error; what may be meant (`{name}`, `[email]`) is a warning. In `{% raw %}` everything is plain
text, and that is how a person says so. How they are written is data: foreigntags.toml.
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
# Where a tag might begin: what is behind so many is not looked at.
MOST_PLACES = 50_000
BETWEEN_LOOKS = 1_000
# What a person may choose for a tag, besides a field.
CONVERT, PLAIN = "convert", "plain"
OURS = ("unsubscribe_url", "view_url", "workspace.name", "workspace.address")
# What stands in `{{ }}` besides fields.
GIVEN = frozenset((*OF_MAIL, *OF_PERSON, *OF_JINJA))
# Where a tag can begin: nothing else is looked at.
BEGIN = re.compile(r"[*{<\[%$#@~-]")
CODE = re.compile(r"<(style|script)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# Not those that Outlook reads.
COMMENT = re.compile(r"<!--(?!\[if).*?(?:-->|\Z)", re.DOTALL)
# Brackets of a tag in an address.
ESCAPED_TAG = re.compile(r"%7B(?:%7B|contactfield=|leadfield=)", re.IGNORECASE)
ESCAPES = re.compile(r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2}|%?\Z|%?[^%\w])")
OPENS = re.compile(r"[#^]|IF|(?:if|range|with|block|define)\s")
IF = re.compile(r"(?:#\s*if\s+|if\s+\.?|IF:)(?P<not>NOT\s+)?(?P<name>[\w.]+)|IFNOT:(?P<other>\w+)")
ENDS = re.compile(r"/\s*if|end|END:IF(?:NOT)?|END")
ELSES = re.compile(r"else|ELSE:?|\^")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A merge tag of another program. `made`: the same in our language; "" where nobody knows."""

    begin: int
    end: int
    line: int
    text: str
    program: str
    name: str
    sure: bool
    made: str


def find(source: str, fields: Collection[str], *, html: bool = False) -> list[Foreign]:
    """The foreign merge tags of a part, in their order. `fields`: our merge fields."""
    hidden = _visible(source, html=html)
    names = _Names(fields, _local_names(source), html)
    found: list[Foreign] = []
    # What stands inside of our own tags is ours: a list is no merge tag.
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
    """A block whose beginning nobody can convert keeps its end: half of it would be an error."""
    if all(tag.made for tag in tags if OPENS.match(tag.name)):
        return tags
    return [replace(tag, made="") if tag.made.startswith("{%") else tag for tag in tags]


def _visible(source: str, *, html: bool) -> str:
    """The source without what is plain text: raw blocks, Jinja's comments, style sheets, scripts;
    each character stays at its place."""
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
    """Our merge fields, and what loops and `set` name."""

    fields: Collection[str]
    local: set[str]
    html: bool = False

    def ours(self, name: str) -> bool:
        """Whether `{{ name }}` or `{{ name.part }}` is our language already."""
        first = re.split(r"[.|\s]", name, maxsplit=1)[0]
        return first in self.local or first in self.fields or first in GIVEN


def _local_names(source: str) -> set[str]:
    """What loops and `set` name: `{{ user.name }}` may be our language, too."""
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
    """A name of ours that no filter with a colon follows."""
    return groups.get("other") is None and names.ours((groups["name"] or "").strip())


def _is_escape(text: str, place: int) -> bool:
    """Whether a URL's escape stands here, as in "%E4%BD%A0": what closes the tag would be one."""
    return not ESCAPED_TAG.match(text, place) and ESCAPES.match(text, place) is not None


def _made(name: str, groups: Mapping[str, str | None], names: _Names) -> str:
    """The tag in our language, or ""."""
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
        # Editors write quotes in expressions as references; our language has them as they are.
        filters, other = in_text(filters), in_text(other).strip("\"' ")
    return with_default(field + _our_filters(filters), other) if field else ""


def _element(name: str, field: str, attributes: str) -> str:
    """A link for an element of another program's."""
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
    """Our merge field for another program's name; "" where there is none."""
    words = [word for word in re.split(r"[.:]", name.strip(" .")) if word]
    # From `Subscriber.Attribs.city` down to `city`: objects say nothing.
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
    """The source with blanks where the tags are: what is left can be checked as ours."""
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
    """The source with its foreign tags in our language, and how many were converted.

    `chosen`: {tag as written: one of our fields, CONVERT, PLAIN, or "" to leave it}. Without a
    choice, those that are sure and known are converted.
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
    """Each way of writing once, with how often it stands there."""
    counts: dict[str, int] = {}
    for tag in tags:
        counts[tag.text] = counts.get(tag.text, 0) + 1
    seen: set[str] = set()
    for tag in tags:
        if tag.text not in seen:
            seen.add(tag.text)
            yield tag, counts[tag.text]
