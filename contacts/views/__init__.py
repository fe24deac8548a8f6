"""Pages of contacts, one file an entity."""
