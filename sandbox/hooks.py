"""Each new workspace gets a sandbox."""

from accounts.services import workspaces
from sandbox.services import sandbox

workspaces.on_created.add(sandbox.provision)
