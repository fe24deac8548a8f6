"""Released migrations, which never change: a database that has run one does not run it again.

`released-migrations.txt` holds their contents' SHA-256, as `sha256sum -c` reads it. A release adds
what is new: `python -m tools.released`. tests/tools/test_released.py compares.
"""

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_name("released-migrations.txt")


def migrations(root: Path) -> dict[str, str]:
    """SHA-256 by the path of each migration, in order."""
    files = sorted(root.glob("*/migrations/[0-9]*.py"))
    return {str(file.relative_to(root)): _hash(file) for file in files}


def released(listed: Path) -> dict[str, str]:
    """SHA-256 by path, as they were released."""
    lines = (line.split(maxsplit=1) for line in listed.read_text(encoding="utf-8").splitlines())
    return {path: digest for digest, path in lines}


def wrong(root: Path, listed: Path) -> list[str]:
    """A sentence for each released migration that is not what it was."""
    present = migrations(root)
    return [
        f"{path} was released and {'has changed' if path in present else 'is gone'}: write another "
        "migration instead."
        for path, digest in released(listed).items()
        if present.get(path) != digest
    ]


def release(root: Path, listed: Path) -> list[str]:
    """Adds the migrations that the list lacks, and returns their paths."""
    known = released(listed)
    new = {path: digest for path, digest in migrations(root).items() if path not in known}
    with listed.open("a", encoding="utf-8") as file:
        file.writelines(f"{digest}  {path}\n" for path, digest in new.items())
    return list(new)


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> None:
    if sentences := wrong(ROOT, LIST):
        sys.exit("\n".join(sentences))
    added = release(ROOT, LIST)
    sys.stdout.write("".join(f"{path}\n" for path in added) or "No migration is new.\n")


if __name__ == "__main__":
    main()
