class ContactsError(Exception):
    """Base of all that contacts refuse."""
