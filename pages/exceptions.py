class PagesError(Exception):
    """What pages refuse."""


class RegisteredTwiceError(PagesError):
    """Two apps register different things under one key: an error of ours, which ends the start."""

    def __init__(self, key: object, first: object, second: object) -> None:
        super().__init__(f"{key!r} is registered twice: as {first!r} and as {second!r}")
