class QuickstartError(Exception):
    """Base of all that keeps the embedded servers or the site from starting; the text says why."""
