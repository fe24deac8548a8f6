class QuickstartError(Exception):
    """Base of the errors that keep the embedded servers or the site from starting. The text says
    why."""
