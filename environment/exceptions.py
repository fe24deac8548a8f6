class StartupError(Exception):
    """Base of the errors that keep a program from starting. The text says why."""
