"""What people type about sending, checked before a service gets it; one file an entity."""
