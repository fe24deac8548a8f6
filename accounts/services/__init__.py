"""What can be done with accounts: one file for each noun."""

from accounts.services.setup import setup_link

__all__ = ["setup_link"]
