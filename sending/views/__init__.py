"""Pages of sending, one file an entity."""
