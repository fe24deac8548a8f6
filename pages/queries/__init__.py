"""SQL of the parts of every page."""
