"""The verbs of the public pages."""
