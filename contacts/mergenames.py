"""Reserved names of merge fields: of a contact's own columns, the mail, and the template language.
The only list: attributes get other keys; rendering and checks use it. Pure."""

import keyword

# Fields of every contact, besides attributes.
OF_PERSON = ("email", "first_name", "last_name", "full_name")
# Fields of the mail and its sender.
OF_MAIL = (
    *("workspace", "unsubscribe_url", "preferences_url", "view_url", "open_pixel_url"),
    "preheader",
)
# Functions, called as in range(3). The names are not reserved: `{{ track }}`, without a call, is
# the contact's attribute.
FUNCTIONS = ("range", "track")
# Names of called functions inside a template; authors can't write these names.
CALLED = {name: f"_called_{name}" for name in FUNCTIONS}
# Jinja2's own objects.
OBJECTS = ("self", "super", "caller", "varargs", "kwargs", "loop")
# Keywords of the language, and functions that Jinja2 has elsewhere: misleading as fields.
WORDS = tuple(
    "true false none True False None and or not if elif else in is for endfor endif set with "
    "block extends include import from macro call filter recursive raw endraw break continue do "
    "dict lipsum cycler joiner namespace context environment missing".split()
)
RESERVED = frozenset((*OF_PERSON, *OF_MAIL, *OBJECTS, *WORDS))


def loop(key: str) -> str:
    """The source that shows the objects of a list: no mail can show the list as a whole."""
    shown = "{{ one.name }}{% if not loop.last %}, {% endif %}"
    return f"{{% for one in {key} %}}{shown}{{% endfor %}}"


def is_reserved(key: str) -> bool:
    """Whether no attribute may have this key. Internal names begin with an underscore, so keys may
    not."""
    return key in RESERVED or keyword.iskeyword(key) or key.startswith("_")
