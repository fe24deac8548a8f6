"""External programs that the benchmark needs, and the compiled sink."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.send.errors import BenchError

SINK = Path(__file__).resolve().parent.parent / "sink.c"
# Debian installs smtp-source in a directory that isn't in the PATH of a plain user.
PLACES = "/usr/sbin:/usr/local/sbin"


def find(*names: str) -> str | None:
    """The path of the first installed program among `names`."""
    return next(filter(None, (shutil.which(n) or shutil.which(n, path=PLACES) for n in names)), "")


def require() -> tuple[str, str]:
    """(smtp-source, C compiler). Raises BenchError with the missing programs and their packages."""
    source, compiler = find("smtp-source"), find("cc", "gcc", "clang")
    packages = {"postfix": source, "gcc": compiler}
    if not source or not compiler:
        missing = " and ".join(
            words
            for words, found in (("Postfix's smtp-source", source), ("a C compiler", compiler))
            if not found
        )
        install = " ".join(package for package, found in packages.items() if not found)
        raise BenchError(
            f"{missing} {'is' if source or compiler else 'are'} missing; on Debian: "
            f"apt-get install --no-install-recommends {install}"
        )
    return source, compiler


def build_sink(compiler: str, directory: Path) -> Path:
    made = directory / "sink"
    built = subprocess.run(
        [compiler, "-O2", "-o", made, SINK], capture_output=True, text=True, check=False
    )
    if built.returncode:
        raise BenchError(f"{SINK.name} can't be compiled: {built.stderr.strip()}")
    return made
