"""A worker that is killed in the middle of an import: nothing is lost, nothing counted twice."""

import os
import signal
import subprocess
import sys

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, Import, ImportReject, List
from contacts.services import importchoices, importrun, imports, importuploads
from tests.contacts.files import torture
from tests.otherconnections import address

pytestmark = pytest.mark.django_db(transaction=True)

# What a worker process does; it says each commit.
WORKER = """
import sys, django
django.setup()
from contacts.services import importrun
importrun.run(int(sys.argv[1]), size=200, seconds=600,
              progress=lambda held: print(held.counts["rows"], flush=True))
"""


def worker(file: Import) -> subprocess.Popen[str]:
    """A process that works on the import, in this test's database."""
    environment = os.environ | {
        "DATABASE_URL": address(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(file.pk)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def kill_after(process: subprocess.Popen[str], commits: int) -> int:
    """Kill -9 once it has said so many commits; returns the rows it had counted by then."""
    assert process.stdout is not None
    rows = 0
    for _ in range(commits):
        rows = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return rows


@pytest.mark.slow
def test_the_counts_are_exact_after_two_kills(workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    data, expected = torture(6000)
    file = importuploads.receive(workspace, filename="x", pieces=[data], by=None, limit=1 << 30)
    importchoices.configure(
        file,
        dialect=file.dialect,
        mapping=file.mapping,
        target=news,
        consent="explicit",
        known="fill",
    )
    imports.start(file, enqueue=None)
    for commits in (3, 5):
        before = Import.objects.get(pk=file.pk).counts.get("rows", 0)
        rows = kill_after(worker(file), commits)
        file.refresh_from_db()
        assert file.state == Import.State.RUNNING
        assert before < rows <= file.counts["rows"] < expected.rows
        assert importrun.claim(file.pk) is None  # its lease still holds
        assert imports.due() == []
        Import.objects.filter(pk=file.pk).update(leased_until=timezone.now())
        assert imports.due() == [file.pk]
    while importrun.run(file.pk, size=200):
        pass
    file.refresh_from_db()
    assert file.state == Import.State.FINISHED
    assert file.counts["rows"] == expected.rows
    assert file.counts["new"] == expected.valid == Contact.objects.count()
    assert file.counts["subscribed"] == expected.valid == news.subscriptions.count()
    assert file.counts["duplicate"] == expected.duplicates
    assert file.counts["rejected"] == expected.invalid
    assert ImportReject.objects.filter(kept=False).count() == expected.invalid
    assert file.imported.count() == expected.valid
