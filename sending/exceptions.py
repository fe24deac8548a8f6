class SendingError(Exception):
    """Base of the errors that keep mails from being sent; replies of servers are no exceptions."""
