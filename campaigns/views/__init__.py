"""Pages of campaigns, one file for each page."""
