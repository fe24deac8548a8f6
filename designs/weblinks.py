"""Finds the URLs in designs, and their faults. Pure."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from designs.fieldlinks import HOST_AND_PORT, RUNS, SCHEME
from designs.markup import MASK, masked, split_jinja, tags
from designs.references import in_text

# Schemes of links that mail programs open.
OPENED = frozenset(
    "http https mailto tel sms smsto mms geo maps webcal callto facetime facetime-audio whatsapp "
    "weixin wechat alipays alipay taobao tmall openapp.jdmobile mqq mqqwpa dingtalk sinaweibo line "
    "tg viber skype msteams slack zoommtg intent market itms-apps itms-services itms kakaotalk "
    "fb fb-messenger twitter instagram snssdk1128 xhsdiscover bilibili xmpp sip sips".split()
)
# RFC 2606 reserves the first for examples; templates use the others.
PLACEHOLDER_HOSTS = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|org|net|edu)|your-?(?:domain|site|website|company)\.com)",
    re.IGNORECASE,
)
LOCAL_HOSTS = re.compile(
    r"localhost|.*\.(?:localhost|local|localdomain|lan|internal|intranet|home|corp|test|invalid)",
    re.IGNORECASE,
)
NOTHING = re.compile(r"(?:https?:)?/{1,3}|https?:", re.IGNORECASE)
PAGE = re.compile(r"\.(?:html?|php|aspx?|jsp|png|jpe?g|gif|webp|svg|pdf|css)\Z", re.IGNORECASE)
# A URL without quotes ends at a parenthesis, so each place is read once (CSS Syntax, 4.3.6).
CSS_URL = re.compile(
    r"""url\(\s*+(?:"([^"]*+)"|'([^']*+)'|((?:[^()"'\\]|\\.)*+))\s*+\)""", re.IGNORECASE
)
LINKS = {"a": ("href",), "area": ("href",), "form": ("action",)}
# Attributes with images and other files that a mail loads, also in Outlook's `v:fill`, `v:image`.
SOURCES = ("src", "srcset", "background", "poster")


@dataclass(frozen=True, slots=True)
class Reference:
    """A URL in the HTML. `kind`: link or file. `begin`: its position in the source."""

    kind: str
    begin: int
    url: str


def references(html: str) -> Iterator[Reference]:
    """Every URL that readers can click or that the mail loads, with its `{{ }}` as written."""
    for tag in tags(html):
        for name in LINKS.get(tag.name, ()):
            if name in tag.values:
                begin, end = tag.values[name]
                yield Reference("link", begin, _plain(html[begin:end]))
        for name in SOURCES:
            if name in tag.values and tag.name not in {"script", "iframe"}:
                yield from _files(html, name, *tag.values[name])
        if "style" in tag.values:
            yield from _css(html, *tag.values["style"])
        if tag.name == "style":
            end = html.find("</", tag.end)
            yield from _css(html, tag.end, end if end > 0 else len(html))


def _files(html: str, name: str, begin: int, end: int) -> Iterator[Reference]:
    value = _plain(html[begin:end])
    urls = [value]
    # A data: URL contains commas itself.
    if name == "srcset" and not value.lower().startswith("data:"):
        urls = [one.split()[0] for one in re.split(r",\s+|,(?=https?:)", value) if one.split()]
    yield from (Reference("file", begin, url) for url in urls)


def _css(html: str, begin: int, end: int) -> Iterator[Reference]:
    hidden = masked(html[begin:end])
    for found in CSS_URL.finditer(hidden):
        group = next(n for n in (1, 2, 3) if found[n] is not None)
        place = begin + found.start(group)
        yield Reference("file", place, _plain(html[place : begin + found.end(group)]))


def _plain(value: str) -> str:
    pieces = (words if is_jinja else in_text(words) for words, is_jinja in split_jinja(value))
    return "".join(pieces).strip()


def fault(reference: Reference) -> str:
    """The code of the URL's fault; "" if none can be seen.

    Codes: empty, relative, no_scheme, unknown_scheme, file, cid, data, runs, placeholder,
    local, insecure.
    """
    hidden = masked(reference.url)
    if hidden.startswith(MASK):
        # The URL begins with a person's value, which isn't known here.
        return ""
    if not hidden or hidden == "#" or NOTHING.fullmatch(hidden):
        return "empty"
    if hidden.startswith("#"):
        return ""
    if hidden.startswith("//"):
        return _host_fault(hidden[2:]) or "no_scheme"
    found = SCHEME.match(hidden)
    scheme = found[1].lower() if found else ""
    # `tel:10086` looks like a host and a port.
    if not scheme or (scheme not in OPENED and HOST_AND_PORT.match(hidden)):
        return _without_scheme(hidden)
    return _of_scheme(hidden, scheme, is_link=reference.kind == "link")


def _of_scheme(hidden: str, scheme: str, *, is_link: bool) -> str:
    if scheme in RUNS:
        return "data" if scheme == "data" and not is_link else "runs"
    # A scheme of one letter is a drive: c:\pictures\logo.png.
    if scheme in {"file", "cid"} or len(scheme) == 1:
        return "cid" if scheme == "cid" else "file"
    if scheme in {"http", "https"}:
        return _of_web(hidden, scheme, is_link=is_link)
    return "" if is_link and scheme in OPENED else "unknown_scheme"


def _without_scheme(hidden: str) -> str:
    if hidden[0] in "/\\.?":
        return "relative"
    host = re.split(r"[/?#:]", hidden, maxsplit=1)[0]
    name = re.fullmatch(rf"[\w{MASK}-]+(?:\.[\w{MASK}-]+)+", host)
    return "no_scheme" if name and not PAGE.search(host) else "relative"


def _of_web(hidden: str, scheme: str, *, is_link: bool) -> str:
    if not hidden[len(scheme) + 1 :].startswith("//"):
        return "unknown_scheme"
    if re.match(r"https?:", hidden[len(scheme) + 3 :], re.IGNORECASE):
        return "unknown_scheme"
    wrong = _host_fault(hidden[len(scheme) + 3 :])
    return wrong or ("insecure" if scheme == "http" and is_link else "")


def _host_fault(rest: str) -> str:
    """The fault of the host in the text after "//"."""
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    if MASK in authority:
        return ""
    host = authority.strip("[]") if "]" in authority else authority.partition(":")[0]
    host = host.rstrip(".")
    if not host:
        return "empty"
    try:
        return "" if ipaddress.ip_address(host).is_global else "local"
    except ValueError:
        pass
    if PLACEHOLDER_HOSTS.fullmatch(host):
        return "placeholder"
    if LOCAL_HOSTS.fullmatch(host) or "." not in host:
        return "local"
    return ""
