"""Measures contacts at the size of a large company: imports, segments, pages, exports, jobs.

    python -m benchmarks.bench_contacts [--people N] [--mailings N] [--import-rows N]

A workspace with N contacts (1,000,000), to whom so many mailings (10) were sent, with opens and
clicks (benchmarks.contacts.scene). A file of so many rows of 12 columns (as many as contacts) is
imported before into an empty workspace of the same database; a plain COPY of it stands beside. Then
the six rules of segments, with the attributes that they name and the mailings indexed; pages of the
site; the count of an audience; an export; a job on all contacts. Its own embedded PostgreSQL,
durable. It takes about half an hour and 12 GB. The last line is JSON.
"""

import argparse
import json
from typing import Any

from benchmarks.contacts import measures, scene
from benchmarks.embedded import database


def measure(people: int, mailings: int, rows: int) -> dict[str, Any]:
    found: dict[str, Any] = {"people": people, "messages": people * mailings}
    found["import"] = measures.imports(rows)
    scene.say(f"import: {found['import']}")
    made = scene.made(people, mailings)
    ((found["events"],),) = scene.execute("SELECT count(*) FROM sending_event")
    found["index"] = measures.index_values(made)
    found["answers"] = measures.index_answers(made)
    found["segments"] = measures.segments(made)
    found["pages"] = measures.pages(made)
    found["audience"] = measures.audience(made)
    found["export"] = measures.export(made)
    found["bulk"] = measures.bulk(made)
    return found


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """The figures of the goals, by the names that they have there."""
    pages = found["pages"]
    return {
        "people": found["people"],
        "messages": found["messages"],
        "events": found["events"],
        "import_rows_per_second": found["import"]["rows_s"],
        "copy_rows_per_second": found["import"]["copy_rows_s"],
        "import_rss_mb": found["import"]["rss_mb"],
        "segment_ms": max(one["count_ms"] for one in found["segments"].values()),
        "segment_page_ms": max(one["page_ms"] for one in found["segments"].values()),
        "contacts_page_ms": max(pages["contacts"].values()),
        "contact_page_ms": max(pages["contact"].values()),
        "search_ms": max(pages["search"].values()),
        "audience_ms": found["audience"]["ms"],
        "export_rows_per_second": found["export"]["rows_s"],
        "bulk_rows_per_second": found["bulk"]["rows_s"],
        "indexed_rows_per_second": found["index"]["indexed_rows_s"],
        "indexed_mb": found["index"]["indexed_mb"],
        "answers_s": found["answers"]["answers_s"],
        "answers_mb": found["answers"]["answers_mb"],
    }


def table(found: dict[str, Any]) -> None:
    for name, one in found["segments"].items():
        print(
            f"{name:>46} {one['people']:>9,} people"
            f" {one['count_ms']:>9,} ms {one['page_ms']:>9,} ms for the first page"
        )
    for part in ("contacts", "contact", "search"):
        for name, ms in found["pages"][part].items():
            print(f"{part + ': ' + name:>46} {ms:>9,} ms")
    for name, value in summary(found).items():
        print(f"{name:>46} {value:>9,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--mailings", type=int, default=10)
    parser.add_argument("--import-rows", type=int)
    options = parser.parse_args()
    rows = options.import_rows or options.people
    with database():
        found = measure(options.people, options.mailings, rows)
    table(found)
    print(json.dumps(summary(found) | {"detail": found}, ensure_ascii=False))


if __name__ == "__main__":
    main()
