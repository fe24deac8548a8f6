"""Templates and people that hypothesis draws: what the sandbox allows, what values may hold."""

from datetime import date

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

# What a part's text or a value may be made of, besides any character.
HOSTILE = [
    "",
    " ",
    "\t",
    "x \n",
    "\t\n",
    "\r",
    "\r\n",
    "\n",
    ".",
    "..",
    "\n.",
    "\n..\n",
    "From ",
    "\nFrom me",
    "=",
    "=20",
    "=?utf-8?q?x?=",
    "=?utf-8?b?eA==?=",
    "--=_mailing-7",
    '"',
    "'",
    "<b>&amp;",
    'O\'Brien, "Bob" <b@x.example>',
    "\\",
    "\x00",
    "\x07\x1b",
    "\x7f",
    "\u00a0",
    "\u0085",
    "\u2028",
    "\u2029",
    "\u200f\u0645\u0631\u062d\u0628\u0627",
    "李雷",
    "欧阳秀英 的 信",
    "👩‍👩‍👧‍👦",
    "é" * 30,
    "信" * 40,
    "a" * 75,
    "a" * 76,
    "a" * 77,
    "a" * 74 + ".",
    "a b " * 30,
    "w" * 300,
    "{{ 7 * 7 }}",
    "{% if 1 %}",
    "{#",
    "}}",
    "None",
    "  ",
]
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PIECES = st.lists(st.one_of(st.sampled_from(HOSTILE), ANY), max_size=4).map("".join)
LONG = st.sampled_from(["w", "信", "é.", ".\n"]).map(lambda word: (word * 5_000)[:5_000])
TEXTS = st.one_of(PIECES, PIECES, PIECES, LONG)
VALUES = st.one_of(
    TEXTS,
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=True, allow_infinity=True),
    st.dates(date(1900, 1, 1), date(2100, 1, 1)),
)
PEOPLE = st.fixed_dictionaries(
    {"email": st.just("lee@x.example")},
    optional={
        **dict.fromkeys(("first_name", "last_name", "full_name", "city"), TEXTS),
        **dict.fromkeys(("points", "joined", "vip", "preheader", "loop"), VALUES),
    },
)
NAMES = st.sampled_from(
    """
    first_name last_name full_name city points joined vip email first_name last_name full_name city
    points joined vip email nobody preheader x y loop workspace.name workspace.nothing city.upper
    nobody.a.b loop.index loop.last loop.length loop.previtem unsubscribe_url view_url
    preferences_url open_pixel_url track(3) track(points) workspace
    """.split()
)
LITERALS = st.sampled_from(
    r"""
    'a'; '<i>'; '.'; ''; '\n.'; '\r'; 0; 7; -1; 2.5; true; none; ['a', city]; []; ('a', 'b');
    {'a': 1}; range(3); '信' * 2
    """.split(";")
)
FILTERS = st.sampled_from(
    """
    default('friend'); d(city); default(other='x'); upper; lower; title; capitalize; trim;
    urlencode; length; int; float; abs; round(1); first; last; e; date; date('long');
    date('long', 'zh'); date('%d.%m.%Y'); number; number(2); truncate(9); replace('a', '.');
    join('-'); escape|upper; upper|e
    """.split(";")
)
TESTS = st.sampled_from(
    """
    is defined; is none; is string; is number; == ''; == 1; != 'a'; > 100; <= 2.5; in 'abc';
    is odd; is sameas(true); and city; or points; is divisibleby(3)
    """.split(";")
)


def _expressions(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.one_of(
        st.builds("{}|{}".format, inner, FILTERS),
        st.builds("{}|{}".format, inner, FILTERS),
        st.builds("({} {})".format, inner, TESTS),
        st.builds("({} ~ {})".format, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} if {})".format, inner, inner),
        st.builds(
            "({} {} {})".format, inner, st.sampled_from("+ - * / // % and or".split()), inner
        ),
        st.builds("(not {})".format, inner),
        st.builds("{}[{}]".format, inner, st.sampled_from(["0", "'a'", "1:3", "-1"])),
    )


EXPRESSIONS = st.recursive(st.one_of(NAMES, NAMES, LITERALS), _expressions, max_leaves=4)
# Text of an author, who writes no sign of Jinja2's by chance.
DATA = PIECES.map(lambda text: text.replace("{", "(").replace("}", ")"))
OPEN, CLOSE = st.sampled_from(["{%", "{%-"]), st.sampled_from(["%}", "-%}"])


def _tag(*words: SearchStrategy[str] | str) -> SearchStrategy[str]:
    made = [st.just(word) if isinstance(word, str) else word for word in words]
    return st.builds(lambda o, c, *w: f"{o} {' '.join(w)} {c}", OPEN, CLOSE, *made)


ITERABLES = st.one_of(
    st.sampled_from(["range(3)", "range(points)", "['a', city]", "city", "'abc'", "[]", "nobody"]),
    st.sampled_from(["(1, 2, 3)", "{'a': 1}", "range(2, 9, 3)", "('ab' if vip else 'c')"]),
)


def _statements(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    body = st.lists(inner, max_size=3).map("".join)
    join = "{}{}{}".format
    return st.one_of(
        st.builds(join, _tag("if", EXPRESSIONS), body, _tag("endif")),
        st.builds(
            "{}{}{}{}{}{}{}".format,
            _tag("if", EXPRESSIONS),
            body,
            _tag("elif", EXPRESSIONS),
            body,
            _tag("else"),
            body,
            _tag("endif"),
        ),
        st.builds(join, _tag("for x in", ITERABLES), body, _tag("endfor")),
        st.builds(join, _tag("for y in", ITERABLES, "if", EXPRESSIONS), body, _tag("endfor")),
        st.builds(
            "{}{}{}{}{}".format,
            _tag("for x in", ITERABLES),
            body,
            _tag("else"),
            body,
            _tag("endfor"),
        ),
        st.builds(join, _tag("with x =", EXPRESSIONS), body, _tag("endwith")),
    )


PRINTED = st.builds("{}{}{}".format, st.just("{{ "), EXPRESSIONS, st.sampled_from([" }}", " -}}"]))
SIMPLE = st.one_of(
    DATA,
    DATA,
    PRINTED,
    PRINTED,
    PRINTED,
    _tag("set x =", EXPRESSIONS),
    st.sampled_from(["{# a comment #}", "{% raw %}{{ no }}\n.{% endraw %}", "{{ track(1) }}"]),
    st.just("{% if open_pixel_url %}<img src='{{ open_pixel_url }}'>{% endif %}"),
)
STATEMENTS = st.recursive(SIMPLE, _statements, max_leaves=6)
SOURCES = st.lists(STATEMENTS, max_size=6).map("".join)
LINES = st.lists(st.one_of(DATA, PRINTED), max_size=3).map("".join)
