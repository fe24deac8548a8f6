"""Measures how fast files of contacts are imported, and with how much memory.

    python -m benchmarks.bench_import [ROWS ...] [--file PATH ...] [--once]

Rows have 12 columns. For each size it measures the upload into the database, the import of unknown
people onto a list, and the import of the same file again. It has its own embedded PostgreSQL,
durable. `memory` is the peak of the process in MB. The last line is JSON.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.embedded import database

NAMED = "email first_name last_name full_name company job_title".split()
HEADER = ",".join([*NAMED, *"phone country city signup_date tags note".split()])
CITIES = "上海 北京 London Berlin 广州 Oslo Madrid 成都".split()
NAMES = (("Zoë", "Müller"), ("伟", "王"), ("Ann", "O'Brien"), ("秀英", "欧阳"), ("José", "Lee"))
MB = 1 << 20


def pieces(rows: int) -> Iterator[bytes]:
    """A file of `rows` people, in pieces of some MB."""
    lines = [HEADER]
    for n in range(rows):
        first, last = NAMES[n % len(NAMES)]
        day = f"20{n % 17 + 10}-{n % 12 + 1:02}-{n % 28 + 1:02}"
        lines.append(
            f"person.{n}@mail{n % 40}.example,{first},{last},{last} {first},"
            f'"Acme {n % 900}, Inc.",Sales Manager,+86 1{n:010},CN,{CITIES[n % len(CITIES)]},'
            f'{day},"vip,trial",met at fair {n % 50}'
        )
        if len(lines) == 10_000:
            yield ("\r\n".join(lines) + "\r\n").encode()
            lines.clear()
    yield ("\r\n".join([*lines, ""])).encode()


def from_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while data := source.read(MB):
            yield data


def measure(name: str, content: Callable[[], Iterator[bytes]], times: int) -> list[dict[str, Any]]:
    from accounts.models import Workspace  # noqa: PLC0415 - after django.setup()
    from contacts.services import lists  # noqa: PLC0415

    workspace = Workspace.objects.create(name=name, slug=f"w{Workspace.objects.count()}")
    news = lists.create(workspace, name="News")
    return [
        imported(workspace, news, f"{name}, {what}", content()) for what in ("new", "again")[:times]
    ]


def imported(workspace: Any, news: Any, name: str, content: Iterator[bytes]) -> dict[str, Any]:
    from contacts.services import (  # noqa: PLC0415
        importchecks,
        importchoices,
        importrun,
        imports,
        importuploads,
    )

    began = time.perf_counter()
    file = importuploads.receive(
        workspace, filename="bench.csv", pieces=content, by=None, limit=1 << 40
    )
    uploaded = time.perf_counter()
    importchoices.configure(
        file,
        dialect=file.dialect,
        mapping=file.mapping,
        target=news,
        consent="explicit",
        known="fill",
    )
    importchecks.check(file)
    checked = time.perf_counter()
    imports.start(file, enqueue=None)
    while importrun.run(file.pk):
        pass
    ended = time.perf_counter()
    file.refresh_from_db()
    assert file.state == "finished", file.error
    return {
        "file": name,
        "mb": round(file.size / MB, 1),
        "rows": file.counts["rows"],
        "new": file.counts["new"],
        "rejected": file.counts["rejected"],
        "upload_mb_s": round(file.size / MB / (uploaded - began), 1),
        "check_s": round(checked - uploaded, 2),
        "import_s": round(ended - checked, 2),
        "rows_s": round(file.counts["rows"] / (ended - checked)),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int)
    parser.add_argument("--file", action="append", default=[], type=Path)
    parser.add_argument("--once", dest="times", action="store_const", const=1, default=2)
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    with database():
        for rows in options.rows or ([] if options.file else [20_000, 200_000]):
            results += measure(f"{rows:,} rows", partial(pieces, rows), options.times)
        for path in options.file:
            results += measure(path.name, partial(from_file, path), options.times)
    for name in results[0]:
        print(f"{name:>12}", *(f"{result[name]!s:>24}" for result in results))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
