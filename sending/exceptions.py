class SendingError(Exception):
    """Base of all that keeps mails from being sent, besides what servers say."""
