"""Every state that a page may show has a look (pages.statuses)."""

import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from bounces.reading import ReportKind
from campaigns import transitions
from campaigns.queries import recipients
from pages import statuses
from pages.exceptions import RegisteredTwiceError
from pages.statuses import Look
from sending.models import Message

# Fields of models whose values pages show by {% status %}.
FIELDS = {"state", "status", "outcome"}
OTHERS = [
    ("contacts.Suppression", "reason"),
    ("sending.Event", "kind"),
]
LITERAL = re.compile(r'{% status "(\w+)"|\bstatus="(\w+)"|look\("(\w+)"\)')


def chosen() -> Iterator[tuple[str, str]]:
    named = {(*label.split("."), field) for label, field in OTHERS}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            about = (model._meta.app_label, model._meta.object_name, field.name)
            choices = getattr(field, "choices", None) or ()
            if (field.name in FIELDS and model is not Message) or about in named:
                for value, _label in choices:
                    yield ".".join(map(str, about)), value


def written() -> Iterator[tuple[str, str]]:
    """Codes that stand in templates and modules."""
    ours = [one for one in apps.get_app_configs() if (settings.ROOT / one.name).is_dir()]
    places = [settings.ROOT / "templates", *(settings.ROOT / one.name for one in ours)]
    for place in places:
        for file in (*place.rglob("*.html"), *place.rglob("*.py")):
            for found in LITERAL.finditer(file.read_text()):
                yield file.name, next(filter(None, found.groups()))


SHOWN = sorted(
    {
        *chosen(),
        *written(),
        *(("messages", state.name.lower()) for state in Message.State),
        *(("recipients", code) for code in recipients.STATES),
        *(("campaigns", code) for code in transitions.STATES),
        *(("relays.overview", code) for code in ("archived", "waiting")),
        *(("mails of mailboxes", kind.value) for kind in ReportKind),
    }
)


@pytest.mark.parametrize(("place", "code"), SHOWN)
def test_every_state_has_a_look(place: str, code: str) -> None:
    assert code in statuses.looks, f"{place}: no app registers a look for {code!r}"


def test_the_states_are_found() -> None:
    assert len(SHOWN) > 80
    assert {"archived", "unproven", "in_flight", "ready", "delivered"} <= {one for _, one in SHOWN}


def test_a_code_that_looks_different_elsewhere_ends_the_start() -> None:
    with pytest.raises(RegisteredTwiceError, match="'paused' is registered twice"):
        statuses.register({"paused": Look("bad", "hand-stop", _("Paused"))})
    assert statuses.look("paused").role == "warn"


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert statuses.look("some_thing") == Look("quiet", "point", "Some thing")
