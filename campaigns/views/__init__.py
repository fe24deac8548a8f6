"""Pages of campaigns, one file a page."""
