class DesignsError(Exception):
    """Base of all that keeps a design from being saved, read or rendered."""
