"""Which merge field names are taken: by a person's own columns, by the mail, by the template
language. The one list: attributes get other keys, rendering and checks go by it. Pure."""

import keyword

# Of every contact, besides attributes.
OF_PERSON = ("email", "first_name", "last_name", "full_name")
# Of the mail and its sender.
OF_MAIL = ("workspace", "unsubscribe_url", "view_url", "open_pixel_url", "preheader")
# What may be called, as range(3). They are not reserved: `{{ track }}`, which calls nothing, is
# the contact's own attribute.
FUNCTIONS = ("range", "track")
# What a called function is named inside of a template: nobody can write these names.
CALLED = {name: f"_called_{name}" for name in FUNCTIONS}
# Objects of Jinja2's own: nothing to print.
OBJECTS = ("self", "super", "caller", "varargs", "kwargs", "loop")
# Words of the language, and functions that Jinja2 has elsewhere: as a field they would mislead.
WORDS = tuple(
    "true false none True False None and or not if elif else in is for endfor endif set with "
    "block extends include import from macro call filter recursive raw endraw break continue do "
    "dict lipsum cycler joiner namespace context environment missing".split()
)
RESERVED = frozenset((*OF_PERSON, *OF_MAIL, *OBJECTS, *WORDS))


def is_reserved(key: str) -> bool:
    """Whether no attribute may have this key. Keys begin with no underscore: ours do."""
    return key in RESERVED or keyword.iskeyword(key) or key.startswith("_")
