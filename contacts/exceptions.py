class ContactsError(Exception):
    """Base of the errors of contacts."""
