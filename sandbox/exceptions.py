class SandboxError(Exception):
    """Base of the errors of the sandbox."""
