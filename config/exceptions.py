class ServingError(Exception):
    """Base of all that keeps a request from being passed on or answered."""
