class StartupError(Exception):
    """Base of all that keeps a program from starting in this environment; the text says why."""
