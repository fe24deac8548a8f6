"""What sources are called, and where they lead."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.utils import translation

from accounts.models import Workspace
from campaigns import sources as campaign_sources
from campaigns.models import Campaign
from contacts import sources
from contacts.models import Contact, Import, Job
from contacts.provenance import BY_HAND, UNKNOWN, Source
from contacts.services import suppressions
from sandbox.sources import SANDBOX

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("source", "afterwards", "english", "chinese"),
    [
        (Source("import", 12), "", "Import 12", "导入 12"),
        (Source("campaign", 7), "taken_back", "Campaign 7 (taken back)", "营销活动 7（已撤销）"),
        (Source("campaign", 7), "said_again", "Campaign 7 (said again)", "营销活动 7（再次确认）"),
        (Source("contact", 5), "", "Contact 5", "联系人 5"),
        (BY_HAND, "", "By hand", "手动"),
        (Source("page", 123456789), "", "By hand", "手动"),
        (Source("job", 3), "", "By hand", "手动"),
        (SANDBOX, "", "Addresses of the sandbox", "沙箱地址"),
        # Of an app that is there no more.
        (Source("fair", 2), "", "fair", "fair"),
        (UNKNOWN, "", "", ""),
    ],
)
def test_words(source: Source, afterwards: str, english: str, chinese: str) -> None:
    with translation.override("zh-hans"):
        say = sources.in_words()
        assert say(source, afterwards) == chinese
    # An export is read after the request, in whatever language is on then.
    with translation.override("en"):
        assert say(source, afterwards) == chinese
        assert sources.in_words()(source, afterwards) == english


def test_names_by_a_query_for_each_kind(
    workspace: Workspace,
    other_workspace: Workspace,
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    file = Import.objects.create(workspace=workspace, filename="fair.csv")
    theirs = Import.objects.create(workspace=other_workspace, filename="theirs.csv")
    person = Contact.objects.create(workspace=workspace, email="ann@xn--mnchen-3ya.example")
    campaign = Campaign.objects.create(workspace=workspace, name="Spring")
    imported, of_contact = Source("import", file.pk), Source("contact", person.pk)
    of_campaign, gone = campaign_sources.of(campaign), Source("import", 999)
    asked = [imported, of_contact, of_campaign, gone, Source("import", theirs.pk), BY_HAND, UNKNOWN]
    with django_assert_num_queries(3):
        named = sources.names(workspace, asked * 2)
    assert named == {
        imported: "fair.csv",
        of_contact: "ann@münchen.example",
        of_campaign: "Spring",
    }
    assert sources.in_words(named)(imported, "") == "fair.csv"
    assert sources.is_there(imported, named)
    assert not sources.is_there(gone, named)
    assert sources.import_named(workspace, str(file.pk)) == {imported: "fair.csv"}
    for number in ("999", str(theirs.pk), "", "x", "-1"):
        assert sources.import_named(workspace, number) == {}


def test_each_leads_to_what_it_names(workspace: Workspace) -> None:
    job = Job.objects.create(workspace=workspace, kind="suppress")
    leads = {
        Source("import", 12): "/w/brand/imports/12/",
        Source("contact", 5): "/w/brand/contacts/5/",
        Source("campaign", 7): "/w/brand/campaigns/7/",
        Source("job", job.pk): f"/w/brand/contacts/jobs/{job.pk}/",
        BY_HAND: "",
        Source("page", 12345): "",
        SANDBOX: "",
        UNKNOWN: "",
    }
    assert {source: sources.url(source, "brand") for source in leads} == leads
    assert sources.people_url(Source("campaign", 7), "brand") == "/w/brand/campaigns/7/recipients/"


def test_undo_of_one_action_leaves_the_others(workspace: Workspace) -> None:
    """Action 1 is not action 12, nor job 1."""
    for number, source in enumerate((Source("page", 1), Source("page", 12), Source("job", 1))):
        suppressions.suppress(
            workspace, value=f"a{number}@x.example", kind="address", reason="manual", source=source
        )
    assert suppressions.undo_suppress(workspace, Source("page", 1)) == 1
    left = {one.source for one in workspace.suppressions.all()}
    assert left == {Source("page", 12), Source("job", 1)}
