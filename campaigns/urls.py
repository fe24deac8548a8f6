"""URLs of campaigns and their reports; all belong to a workspace."""

from django.urls import URLPattern, URLResolver

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from campaigns.views import (
    actions,
    audience,
    campaigns,
    clicks,
    composer,
    recipients,
    report,
    retrying,
    unknown,
)


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


def edit(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.EDIT_CAMPAIGNS, name=name)


def send(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.SEND, name=name)


def export(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.EXPORT, name=name)


urlpatterns: list[URLPattern | URLResolver] = [
    view("campaigns/", campaigns.campaigns, "campaigns"),
    edit("campaigns/new/", campaigns.new_campaign, "new_campaign"),
    edit("campaigns/bulk/", campaigns.campaigns_bulk, "campaigns_bulk"),
    edit("campaigns/undo/", campaigns.undo_campaigns, "undo_campaigns"),
    view("campaigns/<int:pk>/", campaigns.campaign, "campaign"),
    edit("campaigns/<int:pk>/save/<slug:section>/", composer.save_campaign, "save_campaign"),
    view("campaigns/<int:pk>/readiness/", composer.campaign_readiness, "campaign_readiness"),
    view("campaigns/<int:pk>/review/", campaigns.review_campaign, "review_campaign"),
    view("campaigns/<int:pk>/starting/", campaigns.campaign_starting, "campaign_starting"),
    send("campaigns/<int:pk>/schedule/", campaigns.schedule_campaign, "schedule_campaign"),
    send("campaigns/<int:pk>/send/", campaigns.send_campaign, "send_campaign"),
    send("campaigns/<int:pk>/unschedule/", campaigns.unschedule_campaign, "unschedule_campaign"),
    edit("campaigns/<int:pk>/duplicate/", campaigns.duplicate_campaign, "duplicate_campaign"),
    edit("campaigns/<int:pk>/delete/", campaigns.delete_campaign, "delete_campaign"),
    view("campaigns/<int:pk>/live/", report.campaign_live, "campaign_live"),
    view(
        "campaigns/<int:pk>/report/<slug:part>/",
        report.campaign_report_part,
        "campaign_report_part",
    ),
    send("campaigns/<int:pk>/pause/", actions.pause_campaign, "pause_campaign"),
    send("campaigns/<int:pk>/resume/", actions.resume_campaign, "resume_campaign"),
    send("campaigns/<int:pk>/cancel/", actions.cancel_campaign, "cancel_campaign"),
    send("campaigns/<int:pk>/runs/<int:number>/", actions.decide_run, "decide_run"),
    view("campaigns/<int:pk>/unknown/", unknown.campaign_unknown, "campaign_unknown"),
    send("campaigns/<int:pk>/unknown/resend/", unknown.resend_unknown, "resend_unknown"),
    send(
        "campaigns/<int:pk>/unknown/count/",
        unknown.count_unknown_as_sent,
        "count_unknown_as_sent",
    ),
    send("campaigns/<int:pk>/failed/retry/", retrying.retry_failed, "retry_failed"),
    view("campaigns/<int:pk>/audience/", audience.campaign_audience, "campaign_audience"),
    export("campaigns/<int:pk>/audience.csv", audience.export_audience, "export_audience"),
    view("campaigns/<int:pk>/left-out/", audience.left_out, "left_out"),
    export("campaigns/<int:pk>/left-out.csv", audience.export_left_out, "export_left_out"),
    view("campaigns/<int:pk>/clicks/", clicks.clicks, "clicks"),
    view("campaigns/<int:pk>/recipients/", recipients.recipients, "recipients"),
    export("campaigns/<int:pk>/recipients.csv", recipients.export_recipients, "export_recipients"),
]
