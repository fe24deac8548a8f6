"""Reads for the pages of campaigns: sets and sums, fast with a million messages in a mailing."""
