class SignupsError(Exception):
    """The root of the exceptions of sign-ups."""
