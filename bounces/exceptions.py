class BouncesError(Exception):
    """Base of all that keeps bounces from being collected."""
