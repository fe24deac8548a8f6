"""Pages of contacts, one file for each entity."""
