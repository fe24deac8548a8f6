class SmtpError(Exception):
    """Base of the errors of the SMTP client."""
