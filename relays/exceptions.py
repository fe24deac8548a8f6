class RelaysError(Exception):
    """Base of the errors of relays and their settings."""
