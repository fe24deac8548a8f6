"""Why the file at an address was not fetched, or waits for a person: codes, which rows store, and
their sentences. Pure."""

from collections.abc import Iterable, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts import csvdetect

# The address itself.
ADDRESS: dict[str, Promise] = {
    "address": _("Enter an address such as https://shop.example.com/export/contacts.csv."),
    "sftp_address": _("Enter an address such as sftp://files.example.com/out/contacts.csv."),
    "query": _(
        "Enter the whole address: what follows its “?” is stored encrypted, and stays only if the "
        "address is not changed."
    ),
    "scheme": _("The address must begin with https:// or sftp://."),
    "user_in_address": _(
        "Leave user and password out of the address: enter them below, where they are encrypted."
    ),
}
# Fetching. The words of the server or the system are shown beside them.
FETCH: dict[str, Promise] = {
    "unknown_host": _("There is no server of this name. Check the address."),
    "forbidden_host": _(
        "The server is inside a private network or is this machine itself. The operator of this "
        "installation can open a network (YANSHU_FETCH_NETWORKS)."
    ),
    "unreachable": _("The server can't be reached."),
    "certificate": _("The server's certificate is not valid, so nothing was sent to it."),
    "tls": _("No encrypted connection to the server could be made."),
    "silent": _("The server stopped answering before the file was complete."),
    "too_slow": _("The file took too long. Make it smaller, or its server faster."),
    "pace": _(
        "The server is too slow: it sent less than 64 KB within two minutes. Nothing of the file "
        "was imported."
    ),
    "broken_off": _(
        "The connection ended before the file was complete. Nothing of it was imported."
    ),
    "garbled": _("The server's reply can't be understood."),
    "login": _("The server refuses the log-in. Check user, password or token."),
    "not_found": _("The server has no file at this address."),
    "status": _("The server does not give the file."),
    "redirects": _("The server leads from one address to the next, more than five times."),
    "redirect_insecure": _(
        "The server leads to an address without https://, which is not followed."
    ),
    "encoding": _("The server sends the file in a compression that can't be unpacked here."),
    "ratio": _(
        "The compressed file unpacks to more than a hundred times its size, so it was not read. "
        "Offer the CSV file itself."
    ),
    "too_large": _("The file is larger than an import may be."),
    "no_room": _(
        "Too many files wait to be imported. “Import contacts” lists them: start or cancel one."
    ),
    "secret": _(
        "The stored log-in or address can't be read, because the key of this installation has "
        "changed. Enter both again."
    ),
    "host_key": _("Compare the key that the server shows, and confirm it. Nothing was sent to it."),
    "host_key_changed": _(
        "The server shows another key than the one that was confirmed, so nothing was sent to it. "
        "Ask its operator whether the key was changed."
    ),
    "private_key": _(
        "The private key can't be read. Paste the whole file, from -----BEGIN to the end."
    ),
    "public_key": _(
        "This is the public key, which belongs on the server. Paste the private key: the file of "
        "the same name without .pub."
    ),
    "passphrase": _(
        "The private key has a passphrase. Remove it from a copy of the file (ssh-keygen -p -f "
        "FILE, with an empty new passphrase), and paste the copy."
    ),
    "not_a_file": _("There is no file at this path, but a folder or something else."),
    "changing": _("The file was changed while it was fetched."),
    "log_in_page": _(
        "The address answers with a web page, not with a file: probably a page to log in. Check "
        "the address and the log-in."
    ),
    "cancelled": _("Somebody cancelled it."),
    "fault": _("An error in Yanshu ended the fetch; the log has it."),
    "lost": _("The fetched file is no longer there. Fetch it again."),
}
# What a person must look at.
DOUBT: dict[str, Promise] = {
    "first": _("It is the first file: confirm its columns, its list and the consent."),
    "undone": _("The import before was cancelled or undone: look at the file first."),
    "overtaken": _("Another file of this address was imported meanwhile."),
    "header": _("The columns have changed."),
    "order": _("The order of the columns has changed:"),
    "sheets": _("The workbook no longer has the sheet that was imported."),
    "encoding_doubt": _("The file seems to have another encoding than before."),
    "dates": _("It is not clear which number of a date is the day and which the month."),
    "shrank": _("The file is less than half as large as the one before."),
    "rejected": _("More than a tenth of the lines can't be imported."),
    "no_rows": _("There are no lines below the column names."),
    "status_words": _("Nobody has said what these words about the status mean."),
    "scope": _(
        "People whom the file calls unsubscribed are subscribed to other lists: say what it means."
    ),
    "list_gone": _("The list that the contacts went into was deleted. Choose another one."),
    "list_archived": _("The list that the contacts went into is archived. Choose another one."),
    "attribute_gone": _("An attribute that a column went into was deleted."),
    "refused": _("It can't be started like this."),
}
# The same once a person has looked, and the file was imported.
DONE: dict[str, Promise] = {
    "first": _("It was the first file; a person confirmed its columns, its list and the consent."),
    "undone": _("The import before had been cancelled or undone; a person looked at the file."),
    "overtaken": _("Another file of this address had been imported meanwhile."),
    "header": _("The columns had changed; a person confirmed them."),
    "order": _("The order of the columns had changed; a person confirmed them:"),
    "sheets": _("The workbook no longer had the sheet that was imported; a person chose one."),
    "encoding_doubt": _("The file seemed to have another encoding than before."),
    "dates": _("It was not clear which number of a date is the day and which the month."),
    "shrank": _("The file was less than half as large as the one before."),
    "rejected": _("More than a tenth of the lines could not be imported."),
    "no_rows": _("There were no lines below the column names."),
    "status_words": _("Nobody had said what these words about the status mean."),
    "scope": _("People whom the file called unsubscribed were subscribed to other lists."),
    "list_gone": _("The list that the contacts went into had been deleted."),
    "list_archived": _("The list that the contacts went into was archived."),
    "attribute_gone": _("An attribute that a column went into had been deleted."),
    "refused": _("It could not be started without a person."),
}
SENTENCES: dict[str, Promise] = ADDRESS | FETCH | DOUBT


def sentence(code: str) -> str:
    """The sentence for a code, in the reader's language."""
    known = SENTENCES.get(code) or csvdetect.SENTENCES.get(code)
    return str(known) if known else code


def sentences(reasons: Iterable[Sequence[str]], *, past: bool = False) -> list[tuple[str, str]]:
    """Of [[code, words], ...]: [(sentence, words of the server or of the file)]. `past`: a person
    has answered since."""
    done = DONE if past else {}
    return [(str(done[code]) if code in done else sentence(code), words) for code, words in reasons]
