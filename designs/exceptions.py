class DesignsError(Exception):
    """Base of the errors that keep a design from being saved, read or rendered."""
