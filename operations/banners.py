"""The banner on every page while a restored database waits for a decision."""

from collections.abc import Iterable

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from pages import navigation
from pages.banners import Banner, contributors
from sending.models import Fence, Fenced


@contributors.add
def restored(request: HttpRequest) -> Iterable[Banner]:
    workspace = getattr(request, "workspace", None)
    if workspace is None:
        return
    mine = Q(decision="", mailing__workspace=workspace, mailing__state="paused")
    if not Fence.objects.filter(released_at=None).exists():
        if not Fenced.objects.filter(mine).exists():
            return
        text = _("The database was restored. Campaigns that were under way wait for a decision.")
    else:
        text = _("The database was restored or copied. Nothing is sent until an owner decides.")
    url = navigation.url_if_allowed(request, "restored", workspace.slug)
    yield Banner(text, url, _("Review and decide"))
