"""What campaigns do when a workspace is deleted, or the database turns out to be a copy."""

from accounts.services import workspaces
from campaigns.queries import report
from campaigns.services import running
from sending.services import fence, retention

retention.keepers.add(report.keep)
fence.on_noticed.add(running.take_back_scheduled)
workspaces.on_deleted.add(running.take_back_deleted)
