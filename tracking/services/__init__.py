"""Services of the public pages."""
