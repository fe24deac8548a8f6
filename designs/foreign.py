"""Merge tags of other programs, as pasted mails have them: found, and put into our language. Pure.

They would be sent as they stand. What no author writes for its own sake (`*|FNAME|*`) is sure, and
an error; what may be meant (`{name}`, `[email]`) is a warning. In `{% raw %}` everything is plain
text, and that is how a person says so.
"""

import html as htmllib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from contacts.columns import BY_NAME, KEYS, fold
from contacts.mergenames import OBJECTS as OF_JINJA
from contacts.mergenames import OF_MAIL, OF_PERSON
from designs.markup import MASK, RAW_BLOCK, jinja_spans

MOST_TAGS = 2_000
# Where a tag might begin: what is behind so many is not looked at.
MOST_PLACES = 50_000
# Names of other programs that no header of a contact file has.
ALIASES = {
    **dict.fromkeys("fname firstname subscriberfirstname givenname".split(), "first_name"),
    **dict.fromkeys("lname lastname surname familyname".split(), "last_name"),
    **dict.fromkeys(
        "username truename subscribername recipientname customername nickname".split(), "full_name"
    ),
    **dict.fromkeys("eaddr emailaddr subscriberemail recipientemail to".split(), "email"),
    **dict.fromkeys(
        "unsubscribe unsub unsubscribeurl unsubscribelink unsubscribehref unsubscribetext optout "
        "optouturl asmgroupunsubscriberawurl asmgroupunsubscribeurl tagunsubscribeurl "
        "mailinglistunsubscribeurl unsubscribelinkurl smunsubscribe 退订 退订链接".split(),
        "unsubscribe_url",
    ),
    **dict.fromkeys(
        "archive viewinbrowser webversion webviewurl webviewtext browserlink mirror messageurl "
        "viewurl viewinbrowserurl weblink".split(),
        "view_url",
    ),
    **dict.fromkeys("listcompany sendername companyofsender accountname".split(), "workspace.name"),
    **dict.fromkeys(
        "listaddress htmllistaddresshtml senderaddress".split(), "workspace.address"
    ),
}  # fmt: skip
# What a person may choose for a tag, besides a field.
CONVERT, PLAIN = "convert", "plain"
OURS = ("unsubscribe_url", "view_url", "workspace.name", "workspace.address")
# Objects that other programs keep a contact's fields in.
OBJECTS = (
    "contact person subscriber recipient user customer lead member profile params data attributes "
    "merge_vars event organization account"
).split()
NAME = r"[A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff]*"
# Filters that have another name here.
FILTER_NAMES = {"upcase": "upper", "downcase": "lower", "titlecase": "title"}
# What stands in `{{ }}` besides fields.
GIVEN = frozenset((*OF_MAIL, *OF_PERSON, *OF_JINJA))
DOTTED = rf"{NAME}(?:[.:]{NAME})*"


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to write merge tags. `name`: the group that holds the field's name; `other`: what
    stands there for who has none. `sure`: always a merge tag, not only with a name that we know."""

    program: str
    pattern: re.Pattern[str]
    sure: bool
    # Only names that we know are merge tags at all.
    known_only: bool = False


def _kind(program: str, *pattern: str, sure: bool = True, known_only: bool = False) -> Kind:
    return Kind(program, re.compile("".join(pattern)), sure, known_only)


_OBJECT = "|".join(OBJECTS)
_FILTERS = r"(?P<filters>(?:\s*\|\s*[^{}|\n:]{1,60})*)"
# Django and Liquid have a colon, Marketo a colon with "default=", where Jinja has brackets.
_DEFAULT = (
    r"\s*(?:\|\s*default\s*:|:\s*default\s*=|\|\s*fallback\s*:)"
    r"""\s*["']?(?P<other>[^"'{}|\n]{0,80})["']?"""
)
_QUOTE = r"""(?:["']|&quot;)"""
_OTHER = rf"(?P<other>(?:(?!{_QUOTE})[^{{}}\[\]\n]){{0,80}})"
# The first that matches at a place is meant.
KINDS = (
    _kind("Mailchimp", r"(?<!\*)\*\|(?P<name>[^|*{}\n]{1,120})\|\*(?!\*)"),
    # As browsers write them in addresses.
    _kind("Mailchimp", r"\*%7[Cc](?P<name>[\w:]{1,60})%7[Cc]\*"),
    _kind("", r"%7[Bb]%7[Bb](?:%20|\+)*(?P<name>\w[\w.]{0,60}?)(?:%20|\+)*%7[Dd]%7[Dd]"),
    _kind(
        "Mautic", r"%7[Bb](?:contactfield|leadfield)=(?P<name>\w{1,60})(?:%7[Cc]\w{0,60})?%7[Dd]"
    ),
    _kind(
        "Mailjet",
        rf"\{{\{{\s*(?:data|var):(?P<name>\w{{1,40}})(?::{_QUOTE}?{_OTHER}{_QUOTE}?)?\s*\}}\}}",
    ),
    _kind(
        "Mailjet",
        rf"\[\[(?:data|var):(?P<name>\w{{1,40}})(?::{_QUOTE}?{_OTHER}{_QUOTE}?)?\]\]",
    ),
    _kind("Handlebars", r"\{\{\{~?\s*(?P<name>[^{}\n]{1,80}?)\s*~?\}\}\}"),
    _kind("Handlebars", r"\{\{~?(?P<name>[#/^>!&]\s*[^{}\n]{1,80}?)\s*~?\}\}"),
    _kind("listmonk", r"\{\{-?\s*(?P<name>\.[\w.]+)(?:\s*\|[^{}]{0,80})?\s*-?\}\}"),
    _kind(
        "listmonk",
        r"\{\{-?\s*TrackLink\s+[\"'`](?P<url>[^\"'`{}\n]{1,2000})[\"'`][^{}\n]{0,20}\}\}",
    ),
    _kind(
        "listmonk",
        r"\{\{-?\s*(?P<name>UnsubscribeURL|MessageURL|OptinURL|ManageURL|ArchiveURL|TrackView)",
        r"(?:\s+\.)?\s*-?\}\}",
    ),
    _kind(
        "listmonk",
        r"\{\{-?\s*(?P<name>(?:if\s|(?:range|with)\s+[.$]|(?:template|define|block)\s+\")[^{}\n]{1,80}?|else|end)",
        r"\s*-?\}\}",
    ),
    _kind("", rf"\{{\{{-?\s*(?P<name>(?:{_OBJECT})\.[\w. ]{{1,60}}?){_DEFAULT}\s*-?\}}\}}"),
    _kind("", rf"\{{\{{-?\s*(?P<name>(?:{_OBJECT})\.[\w. ]{{1,60}}?){_FILTERS}\s*-?\}}\}}"),
    _kind("Klaviyo", rf"\{{\{{-?\s*(?P<name>{DOTTED}){_DEFAULT}\s*-?\}}\}}"),
    _kind(
        "",
        rf"\{{\{{-?\s*(?P<name>{NAME}(?: {NAME})?){_FILTERS}\s*-?\}}\}}",
        known_only=True,
    ),
    _kind(
        "Klaviyo",
        r"\{%-?\s*(?P<name>unsubscribe(?:_link|_url)?|web_view|manage_preferences)",
        r"(?:\s+'[^'\n]{0,60}')?\s*-?%\}",
    ),
    _kind("SendGrid", r"<%=?\s*(?P<name>[\w.]{1,60})\s*%>"),
    _kind("SendGrid", r"\[%\s*(?P<name>[\w.]{1,60})\s*(?:\|\s*(?P<other>[^\]%\n]{0,60}))?%\]"),
    _kind("Salesforce", r"%%(?P<name>=[^%\n]{1,300}=)%%"),
    _kind("Salesforce", r"%%(?P<name>\[[^%]{1,2000}\])%%"),
    _kind("Salesforce", r"%%(?P<name>[A-Za-z_][\w .:]{0,60}?)%%"),
    _kind("Salesforce", rf"\{{!(?P<name>{DOTTED})\}}"),
    _kind(
        "Mailgun",
        r"(?<![\w%])%(?P<name>recipient[._]\w{1,40}|tag_unsubscribe_url|unsubscribe_url",
        r"|mailing_list_unsubscribe_url)%",
    ),
    _kind("Zoho", r"\$\[(?:[A-Z]+:)?(?P<name>\w{1,40})(?:\|(?P<other>[^|\]\n]{0,60})\|?)?\]\$"),
    _kind("Campaign Monitor", rf"\[(?P<name>{NAME})\s*,\s*fallback=(?P<other>[^\]\n]{{0,80}})\]"),
    _kind(
        "Constant Contact",
        rf"\[\[(?P<name>[A-Z][A-Z0-9_ ]{{1,40}}?) OR {_QUOTE}{_OTHER}{_QUOTE}\]\]",
    ),
    _kind("GetResponse", rf"\[\[custom {_QUOTE}(?P<name>\w{{1,40}}){_QUOTE}\]\]"),
    _kind("Constant Contact", r"\[\[(?P<name>[A-Z][A-Z0-9_ ]{1,40})\]\]"),
    _kind("", rf"\[\[\s*(?P<name>{DOTTED})\s*\]\]", sure=False),
    _kind(
        "Mautic",
        rf"\{{(?:contactfield|leadfield|ownerfield)=(?P<name>{NAME})",
        r"(?:\|(?P<other>[^{}\n]{0,80}))?\}",
    ),
    _kind(
        "Mautic",
        r"(?<!\{)\{(?P<name>(?:un|re)subscribe_(?:url|text)|webview_(?:url|text)|tracking_pixel",
        r"|(?:assetlink|pagelink|dynamiccontent)=[^{}\n]{1,60})\}(?!\})",
    ),
    _kind("CiviCRM", r"(?<![{$#])\{(?P<name>(?:contact|action|domain)\.\w{1,60})\}(?!\})"),
    _kind("AcyMailing", r"(?<![{$#])\{(?:subtag|FIELD):(?P<name>\w{1,40})[^{}\n]{0,60}\}(?!\})"),
    _kind(
        "MailPoet",
        r"\[(?:subscriber:|link:(?:subscription_|newsletter_)?)(?P<name>\w{1,40})",
        r"(?:\s*\|\s*default:(?P<other>[^\]|\n]{0,60}))?\]",
    ),
    _kind("Campaigner", r"\[Contact\.(?P<name>[\w ]{1,40})\]"),
    _kind("Keap", r"(?<![\w~])~(?P<name>(?:Contact|Owner|Company|User)\.\w{1,40})~(?!~)"),
    _kind("Octeth", r"%(?:Subscriber|Link|User|Campaign|List):(?P<name>\w{1,40})%"),
    _kind("listmonk", r"(?<=[\w/}])@(?P<name>TrackLink)\b"),
    # Elements of their own; browsers show their words without a link.
    _kind(
        "Campaign Monitor",
        r"<(?P<name>/?(?:unsubscribe|webversion|preferences|forwardtoafriend))\b",
        r"(?P<attributes>[^<>]{0,500})>",
    ),
    _kind(
        "MailerLite",
        rf"(?<!\{{)\{{\$(?P<name>{NAME})",
        r"""(?:\|default\(['"](?P<other>[^'"\n]{0,80})['"]\))?\}(?!\})""",
    ),
    _kind("Aliyun", r"(?<![\w{#$])\{\s*(?P<name>UserName|EAddr|NickName|TrueName)\s*\}(?!\})"),
    _kind("Aliyun", r"(?<![\w{#$])\{(?P<name>Gender|Mobile|Birthday)\}(?!\})", sure=False),
    # Capitals are a merge tag wherever they stand.
    _kind("ActiveCampaign", r"(?<![0-9A-Za-z%])%(?P<name>[A-Z][A-Z0-9_-]{2,40})%(?![0-9A-Za-z%])"),
    _kind("SendCloud", rf"(?<![0-9A-Za-z%])%(?P<name>{NAME})%(?![0-9A-Za-z%])", sure=False),
    _kind("", rf"[#$]\{{\s*(?P<name>{DOTTED})\s*\}}", sure=False),
    # In text they may be meant as they stand: never sure.
    _kind("", rf"(?<![\w{{#$=:])\{{(?P<name>{NAME}(?: {NAME})?)\}}(?!\}})", known_only=True),
    _kind("", rf"(?<![\w\[\]])\[(?P<name>{NAME}(?: {NAME})?)\](?![\[(:\]])", known_only=True),
    _kind("", r"(?<![\w\[\]])\[(?P<name>[A-Z]{2,}(?:_[A-Z]{2,})+)\](?![\[(:\]])", sure=False),
    _kind(
        "Sendy",
        r"(?<![\w\[\]])\[(?P<name>current(?:year|month|day)(?:number)?)\](?![\[(:\]])",
        sure=False,
    ),
    _kind("", rf"(?<![0-9A-Za-z%])%(?P<name>{NAME} {NAME})%(?![0-9A-Za-z%])", known_only=True),
    _kind("", r"(?<![\w@.])@(?P<name>[A-Z][A-Z0-9_]{1,40})@(?![\w@])", known_only=True),
    _kind("", rf"(?<![\w$])\$(?P<name>{NAME}(?: {NAME})?)\$(?![\w$])", known_only=True),
    _kind("", rf"(?<![\w#])##?(?P<name>{NAME})##?(?![\w#])", known_only=True),
    _kind(
        "SendGrid",
        r"(?<![\w-])-(?P<name>first_?name|last_?name|full_?name|email)-(?![\w-])",
        known_only=True,
    ),
)
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
    for kind in KINDS:
        match = kind.pattern.match(hidden, place)
        if match is None:
            continue
        groups = match.groupdict()
        name = (groups.get("name") or "").strip()
        if of_jinja and kind.program in {"", "Klaviyo"} and _is_jinja(groups, names):
            return None
        made = groups.get("url") or _made(name, groups, names)
        if kind.known_only and not made:
            continue
        sure = of_jinja if kind.known_only else kind.sure or bool(made)
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
        filters, other = htmllib.unescape(filters), htmllib.unescape(other).strip("\"' ")
    return with_default(field + _our_filters(filters), other) if field else ""


def _element(name: str, field: str, attributes: str) -> str:
    """A link for an element of another program's."""
    if not field:
        return ""
    if name.startswith("/"):
        return "</a>"
    return f'<a href="{{{{ {field} }}}}"{attributes.rstrip(" /")}>'


def _our_filters(filters: str) -> str:
    return re.sub(r"\w+", lambda word: FILTER_NAMES.get(word[0], word[0]), filters)


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
        if (mine := ALIASES.get(key)) and (mine in OF_PERSON or mine in OURS):
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
