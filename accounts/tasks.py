"""Background work of accounts."""

from celery import shared_task

from accounts.services import erasing, workspaces


@shared_task(ignore_result=True)
def erase_workspace(workspace_id: int) -> None:
    erasing.erase(workspace_id)


@shared_task(ignore_result=True)
def erase_deleted() -> None:
    """Beat: queues the erasing again where a task was lost or its worker died."""
    for workspace_id in workspaces.deleted():
        erase_workspace.delay(workspace_id)
