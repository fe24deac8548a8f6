"""Reads a request with a form: checks, limits, and what is said to the person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict

from pages import publicwords
from signups import publicfields, publicform, puzzles, throttles
from signups.models import SignupForm
from signups.publicform import EMAIL, HONEYPOT, NUMBER, STAMP, PublicForm, PublicTexts
from signups.puzzles import Stamp
from signups.services import forms, receiving
from signups.services.receiving import Submission

NUL = "\x00"


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it is shown: new, or with what was wrong. `text`: about the whole form."""

    form: PublicForm
    texts: PublicTexts
    stamp: str
    number: str = ""
    text: str = ""
    done: bool = False
    status: int = 200
    # The stamp was too old: a script may try again by itself.
    again: bool = False
    names: Mapping[str, str] = field(
        default_factory=lambda: {"stamp": STAMP, "number": NUMBER, "hidden": HONEYPOT}
    )

    @property
    def direction(self) -> str:
        return publicwords.direction(self.texts.reader)

    def words(self, key: str) -> str:
        return publicfields.words(self.texts.reader, key)

    def as_json(self, redirect_url: str) -> dict[str, Any]:
        if self.done:
            said = {"title": self.words("thanks_title"), "text": self.texts.thanks}
            return {"state": "done", "redirect": redirect_url, **said}
        errors = {name: list(map(str, some)) for name, some in self.form.errors.items()}
        state = "again" if self.again else "errors"
        return {"state": state, "text": self.text, "errors": errors, "stamp": self.stamp}


def open_form(form: SignupForm, reader: str) -> Sent:
    """As somebody gets it who hasn't sent it yet."""
    texts = publicform.texts_of(form, reader, is_double=forms.is_double(form))
    shown = PublicForm(fields=forms.fields_of(form), texts=texts)
    return Sent(shown, texts, puzzles.make(form.key))


def take(request: HttpRequest, form: SignupForm, reader: str, *, for_script: bool) -> Sent:
    """What was sent, received if nothing is wrong with it. A stamp that is too old is as good as
    none; our script gets another one, and tries again by itself."""
    # The middleware leaves the forms of exempt views alone.
    data = MultiValueDict(
        {
            name: [str(value).replace(NUL, "") for value in some]
            for name, some in request.POST.lists()
        }
    )
    texts = publicform.texts_of(form, reader, is_double=forms.is_double(form))
    shown = PublicForm(data, fields=forms.fields_of(form), texts=texts)
    written, number = data.get(STAMP, ""), data.get(NUMBER, "")
    stamp = puzzles.read(written, form.key)
    kept = written if stamp else puzzles.make(form.key)

    def answer(**more: Any) -> Sent:
        return Sent(shown, texts, kept, number if stamp else "", **more)

    if not shown.is_valid():
        return answer(text=publicfields.words(reader, "wrong"))
    if for_script and stamp is None and written and number:
        return answer(again=True)
    if stamp is not None and stamp.age < puzzles.SOONEST:
        return answer(text=publicfields.words(reader, "too_fast"))
    if not throttles.take_network(request):
        return answer(text=publicfields.words(reader, "too_many"), status=429)
    if throttles.take_address(request, form.key, shown.cleaned_data[EMAIL]):
        _receive(request, form, shown, stamp=stamp, data=data, texts=texts)
    return answer(done=True)


def _receive(  # noqa: PLR0913 - what was sent
    request: HttpRequest,
    form: SignupForm,
    shown: PublicForm,
    *,
    stamp: Stamp | None,
    data: Mapping[str, str],
    texts: PublicTexts,
) -> None:
    solved = stamp is not None and puzzles.solved(data[STAMP], data.get(NUMBER, ""))
    receiving.receive(
        form,
        Submission(
            address=shown.cleaned_data[EMAIL],
            consent_text=texts.consent,
            language=texts.reader,
            values=shown.known_values(),
            ip=throttles.client_ip(request),
            user_agent=request.headers.get("User-Agent", ""),
            puzzle=stamp.id if stamp is not None and solved else "",
            robot=bool(data.get(HONEYPOT)),
        ),
    )
