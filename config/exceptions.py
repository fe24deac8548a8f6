class ServingError(Exception):
    """Base of the errors that keep a request from being passed on or answered."""
