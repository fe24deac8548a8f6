"""Settings files: NAME=value lines that sh and systemd's EnvironmentFile read in the same way.

The two differ in quoting, expansion and comments. A line that they would read differently raises
`SettingError` with the line number, so that no setting is lost or changed silently.
"""

import re
from pathlib import Path

from environment.readers import SettingError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Allowed without quotes: characters that sh doesn't split, expand or run. sh expands `~` at the
# start and after a colon, so `~` always needs quotes.
BARE = re.compile(r"[A-Za-z0-9_./:@%+,=^?*\[\]{}-]*")
# Both take everything between these literally.
SINGLE = re.compile(r"'[^']*'")
# Both know escapes here, and sh expands $ and `.
DOUBLE = re.compile(r'"[^"$`\\]*"')


def read(path: Path) -> dict[str, str]:
    """The settings of the file; {} if the file doesn't exist."""
    try:
        content = path.read_bytes().decode()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingError(f"{path} can't be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SettingError(f"{path} is not UTF-8.") from error
    return parse(content, str(path))


def parse(content: str, where: str) -> dict[str, str]:
    """`where` names the file in errors."""
    found: dict[str, str] = {}
    for number, line in enumerate(content.split("\n"), 1):
        pair = _line(line, f"{where}, line {number}")
        if pair is None:
            continue
        name, value = pair
        if name in found:
            raise SettingError(f"{where}, line {number}: {name} is set a second time.")
        found[name] = value
    return found


def _line(line: str, place: str) -> tuple[str, str] | None:
    """Name and value; None for an empty line or a comment."""
    if "\r" in line or "\0" in line:
        raise SettingError(f"{place} ends as on Windows; save the file with Unix line ends.")
    bare = line.strip(" \t")
    if not bare:
        return None
    if bare.startswith("#"):
        # systemd before version 254 reads the next line as part of the comment.
        if bare.endswith("\\"):
            raise SettingError(f"{place} is a comment that ends in a backslash; remove it.")
        return None
    name, equals, rest = bare.partition("=")
    if not equals or not NAME.fullmatch(name):
        # The line itself is not shown: it may be the second half of a secret.
        raise SettingError(f"{place} is not NAME=value, without spaces around the = and no export.")
    return name, _value(rest, f"{place}: {name}")


def _value(rest: str, place: str) -> str:
    if BARE.fullmatch(rest):
        return rest
    if SINGLE.fullmatch(rest) or DOUBLE.fullmatch(rest):
        return rest[1:-1]
    raise SettingError(
        f"{place} needs single quotes around its value, as sh and systemd read it differently "
        "otherwise: NAME='value'. A value with a single quote goes into a file of its own that "
        f"{place.rpartition(' ')[2]}_FILE names."
    )


def line(name: str, value: str) -> str:
    """The line that sets `name` to `value`, so that `parse` reads it back. Raises SettingError."""
    for written in (value, f"'{value}'", f'"{value}"'):
        try:
            if "\n" not in written and _line(f"{name}={written}", name) == (name, value):
                return f"{name}={written}\n"
        except SettingError:
            continue
    raise SettingError(f"{name} has characters that can't be written into a file of settings.")
