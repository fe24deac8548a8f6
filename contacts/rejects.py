"""Reasons why an address or a line was not imported: each code with its sentence. Pure."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Promise] = {
    # The address
    "no_address": _("There is no e-mail address."),
    "several_addresses": _("There is more than one address in this cell."),
    "no_at": _("The address has no @."),
    "several_at": _("The address has more than one @."),
    "no_local": _("The address has no name before the @."),
    "no_domain": _("The address has no domain after the @."),
    "space": _("There is a space inside the address."),
    "local_dots": _("The part before the @ begins or ends with a dot, or has two in a row."),
    "local_characters": _("The part before the @ has a character that addresses can't have."),
    "local_not_ascii": _(
        "The part before the @ has letters that most mail servers can't deliver to; "
        "only a-z, digits and signs are possible there."
    ),
    "local_too_long": _("The part before the @ is longer than 64 characters."),
    "domain_no_dot": _("The domain is not complete: it has no dot."),
    "domain_dots": _("The domain begins or ends with a dot, or has two in a row."),
    "domain_numeric": _("The domain is an IP address or ends with a number."),
    "domain_invalid": _("The domain can't exist: letters, digits and hyphens are possible."),
    "domain_too_long": _("The domain is too long."),
    "cell_long": _("The cell is longer than 1,000 characters: this is not an address."),
    "too_long": _("The address is longer than 254 characters."),
    # The line
    "unreadable": _("The line has bytes that don't belong to the file's encoding."),
    "open_quote": _("A quotation mark is opened on this line and never closed."),
    "cell_too_long": _("A cell of this line is too long."),
    # A value that was left out; its person was imported.
    "value_text": _("The text is longer than 10,000 characters."),
    "value_number": _("This is not a number."),
    "value_date": _("This is not a date, or it isn't clear which number is the day."),
    "value_time": _(
        "This is a time without a day. Workbooks give a time also for days before 1900: write "
        "these as text, such as 1899-05-31."
    ),
    "value_boolean": _("This is neither yes nor no."),
    "value_opens": _("This is neither yes nor no: the consent for counting opens stays as it was."),
    "value_choice": _("This is not one of the attribute's choices."),
    "value_day": _("This is no day of the year, or it isn't clear which number is the day."),
    "value_choices": _("One of these is not among the attribute's choices."),
    "value_objects": _(
        "This is not a list of objects in JSON, has a name twice or a control character, or is too "
        "large."
    ),
    "attribute_gone": _("The attribute of this column was deleted during the import."),
    "value_too_long": _("The name is too long."),
    "tag_long": _("The tag is too long: at most 100 characters are possible."),
    "tags_many": _("The line has more than 50 tags; only the first are added."),
    "tags_new": _(
        "This tag is new, and there is no room for it: a file may bring 1,000 new tags, and a "
        "workspace may have 5,000."
    ),
    "status_word": _(
        "Nobody has said yet what this status means: the person is imported, but not subscribed."
    ),
    "more_addresses": _("The cell has more than one address; only the first is imported."),
}


def text(code: str) -> str:
    """The sentence for a code; an unknown code is returned as it is."""
    return str(SENTENCES.get(code, code))
