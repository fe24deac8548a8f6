"""The mails of sign-ups: each form has a stream (sending.services.streams) for each kind of mail
and design. It is opened when its first mail is ordered."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.db import transaction

from contacts.models import Contact, List, Suppression
from designs.models import Content, Design
from designs.rendering import RenderError
from designs.services import compile_parts, freeze
from environment import logs
from pages import publicwords
from sending.models import Mailing
from sending.services import streams
from sending.services.streams import Item
from sending.variants import Choice
from signups import links, mailtexts, sources
from signups.mailtexts import CONFIRM_URL, LIST, LISTS, MailText
from signups.models import FormStream, Signup, SignupForm

log = logs.get(__name__)
Kind = FormStream.Kind
OURS: dict[str, Callable[[str], MailText]] = {
    Kind.CONFIRMATION: mailtexts.confirmation,
    Kind.WELCOME: mailtexts.welcome,
}

# A person who was erased may sign up again, and is asked like anybody: the mail answers what was
# just sent by the form, and is no advertising.
ALSO_IGNORED: dict[str, tuple[str, ...]] = {Kind.CONFIRMATION: (Suppression.Reason.ERASED.value,)}


@transaction.atomic
def confirmation(signup: Signup, lists: list[List], design: Design | None, number: int) -> None:
    """Orders the mail with the link. `number`: another one for each mail."""
    data = {
        CONFIRM_URL: links.url(signup.pk),
        LISTS: ", ".join(one.name for one in lists),
        "language": signup.language,
    }
    key = f"confirm-{signup.pk}-{number}"
    _order(signup, Kind.CONFIRMATION, design, Item(key, signup.address, data=data))


@transaction.atomic
def welcome(signup: Signup, contact: Contact, one: List, design: Design | None) -> None:
    data = {LIST: one.name, "language": signup.language}
    key = f"welcome-{signup.pk}"
    item = Item(key, contact.email, contact_id=contact.pk, data=data)
    _order(signup, Kind.WELCOME, design, item)


def _order(signup: Signup, kind: str, design: Design | None, item: Item) -> None:
    # Ours has a variant for each language; the design is for everybody.
    number = publicwords.LANGUAGES.index(signup.language) if design is None else 0
    chosen = Item(item.key, item.address, item.contact_id, item.data, number)
    streams.append(_stream(signup.form, kind, design), [chosen])


def _stream(form: SignupForm, kind: str, design: Design | None) -> Mailing:
    """The open stream; one that was made of something else is closed first."""
    # One at a time for a form.
    locked = SignupForm.objects.select_for_update(no_key=True).get(pk=form.pk)
    made_of = _made_of(locked, kind, design)
    number = design.pk if design else 0
    known = FormStream.objects.filter(form=form, kind=kind, design_id=number)
    if (found := known.select_related("mailing").first()) is not None:
        is_open = found.mailing.closed_at is None and found.mailing.state in Mailing.LIVE
        if found.made_of == made_of and is_open:
            return found.mailing
        streams.close(found.mailing)
    workspace = locked.workspace
    mailing = streams.open_stream(
        workspace=workspace,
        source=sources.of(locked),
        content=_content(locked, kind, design),
        from_name=workspace.from_name or workspace.name,
        from_email=workspace.from_email,
        relay=locked.relay,
        pool=locked.pool,
        also_ignored=ALSO_IGNORED.get(kind, ()),
    )
    values = {"made_of": made_of, "mailing": mailing}
    FormStream.objects.update_or_create(form=form, kind=kind, design_id=number, defaults=values)
    return mailing


def _made_of(form: SignupForm, kind: str, design: Design | None) -> str:
    """A digest of everything that a mail of the stream is made of."""
    workspace = form.workspace
    content: Any = (
        [design.pk, design.version]
        if design
        else [str(OURS[kind](code)) for code in publicwords.LANGUAGES]
    )
    parts = [workspace.from_name or workspace.name, workspace.from_email]
    parts += ALSO_IGNORED.get(kind, ())
    text = json.dumps([parts, form.relay_id, form.pool_id, content])
    return sha256(text.encode()).hexdigest()


def _content(form: SignupForm, kind: str, design: Design | None) -> Content | list[Choice]:
    if design is not None:
        try:
            return freeze(
                design, subject=design.subject, preheader=design.preheader, track_clicks=False
            )
        except RenderError:
            # Somebody broke it after it was chosen; people still get their mail.
            log.warning("design of a form can't be sent", form=form.pk, design=design.pk)
    return [_ours(form, kind, code) for code in publicwords.LANGUAGES]


def _ours(form: SignupForm, kind: str, code: str) -> Choice:
    text = OURS[kind](code)
    parts = compile_parts(
        subject=text.subject,
        preheader=text.preheader,
        html=text.html,
        text=text.text,
        track_clicks=False,
    )
    content = Content.objects.create(workspace=form.workspace, **parts)
    return Choice(content, language="" if code == publicwords.ENGLISH else code)


@transaction.atomic
def close(form: SignupForm) -> None:
    """Ends its streams, so that relays and pools are no longer in use. Mails that were ordered go
    out; a later sign-up opens new ones."""
    _close(FormStream.objects.filter(form=form))


@transaction.atomic
def close_other_routes(form: SignupForm) -> None:
    _close(
        FormStream.objects.filter(form=form).exclude(
            mailing__relay=form.relay_id, mailing__pool=form.pool_id
        )
    )


def _close(rows: Any) -> None:
    for one in rows.select_related("mailing"):
        streams.close(one.mailing)
    rows.delete()
