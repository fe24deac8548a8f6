class BouncesError(Exception):
    """Base of the errors that keep bounces from being collected."""
