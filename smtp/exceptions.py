class SmtpError(Exception):
    """Base of all that a server, or its address, is refused for."""
