"""What an installation sets for its SMTP client. Pure: relays.apps hands the settings over when a
program starts."""

from dataclasses import dataclass, field

from smtp.timeouts import Timeouts


@dataclass(frozen=True, slots=True)
class Config:
    """`ehlo_name`: the name in EHLO; "": the address of the connection.
    `private_servers`: connections to private and loopback addresses are allowed.
    `timeouts`: for sessions and exchanges that are created without any.
    """

    ehlo_name: str = ""
    private_servers: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)


_current = Config()


def current() -> Config:
    return _current


def use(config: Config) -> None:
    """Sets the configuration of this process."""
    global _current  # noqa: PLW0603 - set once, when the program starts
    _current = config
