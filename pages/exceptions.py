class PagesError(Exception):
    """Base of the errors of pages."""


class RegisteredTwiceError(PagesError):
    """Two apps register different items under one key. This is a bug, and it stops the start."""

    def __init__(self, key: object, first: object, second: object) -> None:
        super().__init__(f"{key!r} is registered twice: as {first!r} and as {second!r}")
