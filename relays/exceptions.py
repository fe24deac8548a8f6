class RelaysError(Exception):
    """Base of all that relays and their settings refuse."""
