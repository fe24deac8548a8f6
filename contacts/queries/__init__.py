"""Set-based SQL of contacts, each statement with its reason."""
