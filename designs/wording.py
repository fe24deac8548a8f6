"""Translates errors of the sandbox and of Jinja2 into sentences for authors. Pure.

The sandbox's own messages are English, because they also go into logs and the ledger.
"""

import re

from django.utils.translation import gettext, gettext_noop

_SAID = [
    (
        r"expected token 'end of print statement', got '(?P<what>.*)'",
        gettext_noop("“%(what)s” is not expected here; is a | or }} missing before it?"),
    ),
    (
        r"expected token 'end of statement block', got '(?P<what>.*)'",
        gettext_noop("“%(what)s” is not expected here; is %%} missing before it?"),
    ),
    (
        r"expected token '(?P<wanted>.*)', got '(?P<what>.*)'",
        gettext_noop("Expected “%(wanted)s” here, not “%(what)s”."),
    ),
    (
        r"Unexpected end of template\..* that needs to be closed is '(?P<what>\w+)'\.",
        gettext_noop("The mail ends before {%% end%(what)s %%}."),
    ),
    (
        r"[Uu]nexpected end of template.*",
        gettext_noop("The mail ends in the middle of an expression; is }} or %%} missing?"),
    ),
    (
        r"Encountered unknown tag '(?P<what>\w+)'.*",
        gettext_noop("“%(what)s” is no statement, or does not belong here."),
    ),
    (r"Missing end of (?:comment|raw).*", gettext_noop("A comment or raw block is not closed.")),
    (
        r"unexpected char '(?P<what>.*)' at \d+",
        gettext_noop("The character %(what)s is not expected here."),
    ),
    (r"unexpected '(?P<what>.*)'", gettext_noop("“%(what)s” is not expected here.")),
    (r"Expected an expression, got '.*'", gettext_noop("Something is missing between the braces.")),
    (r"there is no filter named (?P<what>.*)", gettext_noop("There is no filter named %(what)s.")),
    (r"there is no test named (?P<what>.*)", gettext_noop("There is no test named %(what)s.")),
    (
        r"functions can't be called here.*",
        gettext_noop("Functions can't be called here; use a filter such as |upper."),
    ),
    (r"the name (?P<what>\w+) is taken", gettext_noop("The name %(what)s is taken.")),
    (
        r"it is longer than (?P<count>\d+) characters",
        gettext_noop("This is longer than %(count)s characters."),
    ),
    (
        r"it grows over (?P<count>\d+) characters",
        gettext_noop("The mail becomes longer than %(count)s characters."),
    ),
    (
        r"it has more than (?P<count>\d+) merge fields.*",
        gettext_noop("There are more than %(count)s merge fields and statements."),
    ),
    (
        r"it has more than (?P<count>\d+) tags",
        gettext_noop("The HTML has more than %(count)s tags. Make the mail shorter."),
    ),
    (
        r"its merge fields and statements are too long",
        gettext_noop("The merge fields and statements are too long."),
    ),
    (
        r"this can't be (?:read|compiled).*",
        gettext_noop("This can't be read: it is nested too deeply."),
    ),
    (r"this takes too long.*", gettext_noop("This takes too long; use smaller loops.")),
    (
        r"loops run more than (?P<count>\d+) times",
        gettext_noop("Loops run more than %(count)s times."),
    ),
    (
        r"range\(\) has more than (?P<count>\d+) numbers",
        gettext_noop("range() has more than %(count)s numbers."),
    ),
    (
        r"a text in quotes is too long|a (?:text|list) grows too long|(?:replace|join) makes .*",
        gettext_noop("A text becomes too long."),
    ),
    (
        r"[a-z ]+ are not allowed(?: here)?",
        gettext_noop("This is not allowed here; you can use if, for, set and with."),
    ),
    (r"lists can't hold lists", gettext_noop("Lists can't hold lists.")),
    (r"a number grows too large", gettext_noop("A number becomes too large.")),
    (r"a value is too long.*|it may grow too long", gettext_noop("A text becomes too long.")),
    (r"'(?P<what>\w+)' is undefined", gettext_noop("This needs a value in %(what)s.")),
    (r"ZeroDivisionError: .*", gettext_noop("This divides by zero.")),
    (
        # Errors of Python and the sandbox about a value that an operator or filter can't take.
        r"[A-Z]\w*: .*|only numbers can be multiplied|text can't be formatted with %",
        gettext_noop(
            "This does not work with this person's values. A number or date is needed here."
        ),
    ),
    (r"a list can't be shown; use \|join", gettext_noop("A list can't be shown; use |join.")),
]
_TABLE = [(re.compile(pattern, re.DOTALL), words) for pattern, words in _SAID]


def said(message: str) -> str:
    """The message of a RenderError as a sentence. A message that isn't in the table stays as it
    is."""
    for pattern, words in _TABLE:
        if found := pattern.fullmatch(message):
            return gettext(words) % {name: value[:60] for name, value in found.groupdict().items()}
    return message[:1].upper() + message[1:]
