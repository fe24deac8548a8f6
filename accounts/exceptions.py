"""What accounts' services refuse; the text of each is a translated sentence for the person."""


class AccountsError(Exception):
    """Base of all, and of accounts.secrets.SecretError."""


class AlreadySetUpError(AccountsError):
    """There is an account already: the set-up link has done its work."""


class MemberError(AccountsError):
    """A rule about members forbids it."""


class InvitationError(AccountsError):
    """The invitation can't be made or accepted."""


class MailNotSentError(AccountsError):
    """The platform's own mail server is away or refuses the mail."""
