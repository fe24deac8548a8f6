"""The verbs of accounts, a file a noun."""

from accounts.services.setup import setup_link

__all__ = ["setup_link"]
