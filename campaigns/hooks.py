"""Hooks of campaigns: a workspace is deleted, a segment or an attribute may be, or the database was
restored or copied."""

from accounts.services import workspaces
from campaigns.queries import report
from campaigns.services import drafts, starting
from contacts import attributeuses
from contacts.services import listdeleting, segments
from sending.services import fence, retention

retention.keepers.add(report.keep)
fence.on_noticed.add(starting.take_back_scheduled)
segments.users.add(drafts.using)
segments.senders.add(drafts.sent_to)
listdeleting.users.add(drafts.using_list)
attributeuses.finders.add(drafts.with_attributes, order=20)
workspaces.on_deleted.add(starting.take_back_deleted)
