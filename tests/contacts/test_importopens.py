"""Consents for counting opens in imports: check and run agree, unknown words, refusals, undo."""

import pytest

from accounts.models import Workspace
from contacts import columns
from contacts.models import Contact, Import, ImportReject, Suppression
from contacts.openconsentmodels import OpenConsent, OpenConsentAnswer
from contacts.provenance import BY_HAND, IMPORT, Source
from contacts.services import importchecks, imports, openconsent
from sending.models import Message
from tests.contacts.test_imports import chosen, ran, received
from tests.factories import make_contact, make_mailing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nudges")]

FILE = """email,Open tracking
new@x.example,yes
no@x.example,否
odd@x.example,perhaps
blank@x.example,
known@x.example,是
refused@x.example,yes
twice@x.example,yes
twice@x.example,no
eva@stopped.example,yes
wrong,yes
"""


def answers() -> dict[str, bool]:
    rows = OpenConsent.objects.values_list("contact__email", "given")
    return {email.partition("@")[0]: given for email, given in rows}


@pytest.fixture
def file(workspace: Workspace) -> Import:
    Suppression.objects.create(workspace=workspace, kind="domain", value="stopped.example")
    known, refused = (make_contact(workspace, f"{one}@x.example") for one in ("known", "refused"))
    openconsent.give([known.pk], BY_HAND)
    openconsent.withdraw([refused.pk], BY_HAND)
    return chosen(received(workspace, FILE))


def test_its_header_is_known() -> None:
    rows = [["email", "同意统计打开"], ["a@x.example", "是"]]
    described = columns.describe(rows, header=True)
    assert [one.guess for one in described] == ["email", "opens"]


@pytest.mark.parametrize("size", [1, 1000])
def test_check_and_run_agree(file: Import, size: int) -> None:
    checked = importchecks.check(file, rows=None)
    counts = ran(file, size=size)
    names = ("opens_given", "opens_refused", "unusable")
    assert [counts[name] for name in names][1:] == [2, 1]
    if size > 1:
        assert [checked.counts[name] for name in names] == [counts[name] for name in names]
        assert counts["opens_given"] == 1
    # Who refused here stays so, whatever the file says; of two lines, the no counts.
    assert answers() == {
        "new": True,
        "no": False,
        "known": True,
        "refused": False,
        "twice": False,
    }
    mine = OpenConsentAnswer.objects.filter(contact__email="new@x.example").get()
    assert (mine.source, mine.text) == (Source(IMPORT, file.pk), file.filename)
    kept = OpenConsentAnswer.objects.filter(contact__email="known@x.example").get()
    assert kept.source == BY_HAND


def test_an_unknown_word_changes_nothing_and_is_reported(file: Import) -> None:
    ran(file)
    reject = ImportReject.objects.get(reason="value_opens")
    assert (reject.value, reject.kept) == ("perhaps", True)
    assert Contact.objects.filter(email="odd@x.example").exists()
    assert not {"odd", "blank"} & answers().keys()


def test_contacts_left_as_they_are_can_refuse_only(workspace: Workspace) -> None:
    for name in ("a", "b"):
        make_contact(workspace, f"{name}@x.example")
    text = "email,Open tracking\na@x.example,yes\nb@x.example,no\n"
    ran(chosen(received(workspace, text), known=Import.Known.SKIP))
    assert answers() == {"b": False}


def test_undo_takes_them_back(workspace: Workspace, file: Import) -> None:
    ran(file)
    new = Contact.objects.get(email="new@x.example")
    message = Message.objects.create(
        mailing=make_mailing(workspace, tally={}),
        contact_id=new.pk,
        address=new.email,
        counts_opens=True,
    )
    later = Contact.objects.get(email="no@x.example")
    openconsent.give([later.pk], BY_HAND)
    imports.undo(file)
    # An answer given since stays.
    assert answers() == {"no": True, "known": True, "refused": False}
    assert not OpenConsentAnswer.objects.filter(contact=new).exists()
    message.refresh_from_db()
    assert not message.counts_opens
    # Whom nothing else holds was deleted with the import; somebody who answered since was not.
    emails = set(Contact.objects.values_list("email", flat=True))
    assert "twice@x.example" not in emails
    assert "no@x.example" in emails
