"""Pages of sending, one file for each entity."""
