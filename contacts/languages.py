"""Language tags (BCP 47) of contacts. Pure.

A contact's language is the value of the attribute whose merge field is `language`: a tag such as
`en`, `zh-Hans` or `pt-BR`. Case does not matter, and `zh_CN` is accepted, too.
"""

import re

# The merge field. Imports give this key to columns named "Language" or "语言" (contacts.columns).
ATTRIBUTE = "language"
# Language, script, region, variants (RFC 5646, section 2.1). Texts are not written for extensions
# or private use.
WELL_FORMED = re.compile(
    r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?"
    r"((?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)",
    re.IGNORECASE | re.ASCII,
)
# RFC 5646, section 4.4.1: room for any tag of these parts that is in use.
LONGEST = 35
# For Chinese, people give the region but mean the script (CLDR, likely subtags).
SCRIPTS = {
    "zh-CN": "zh-Hans",
    "zh-SG": "zh-Hans",
    "zh-TW": "zh-Hant",
    "zh-HK": "zh-Hant",
    "zh-MO": "zh-Hant",
}


def canonical(tag: str) -> str | None:
    """The tag in its usual case (`zh-hans-cn` -> `zh-Hans-CN`); None: it is no tag."""
    found = WELL_FORMED.fullmatch(tag)
    if found is None or len(tag) > LONGEST:
        return None
    language, script, region, variants = found.groups()
    parts = [language.lower(), (script or "").title(), (region or "").upper()]
    return "-".join(filter(None, parts)) + variants.lower()


def alike(tag: str) -> list[str]:
    """Other tags of contacts who read this language, the nearest first; all canonical. zh-CN is
    read by zh-Hans-CN, and rather than another script by zh-Hans and zh-SG, too."""
    script = SCRIPTS.get(tag, tag)
    regions = [region for region, written in SCRIPTS.items() if written == script and region != tag]
    if script == tag:
        return regions
    return [f"{script}-{tag.partition('-')[2]}", script, *regions]
