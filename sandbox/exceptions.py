class SandboxError(Exception):
    """Base of all that the sandbox refuses."""
