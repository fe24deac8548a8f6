"""Errors of accounts' services. The text of each is a translated sentence for the person."""


class AccountsError(Exception):
    """Base of all errors of accounts, including accounts.secrets.SecretError."""


class AlreadySetUpError(AccountsError):
    """An account exists already, so the set-up link no longer works."""


class MemberError(AccountsError):
    """A rule about members forbids the change."""


class InvitationError(AccountsError):
    """The invitation can't be made or accepted."""


class MailNotSentError(AccountsError):
    """The platform's own mail server can't be reached or refuses the mail."""
