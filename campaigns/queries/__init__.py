"""What the pages of campaigns read: sets and sums, fast with a million messages a mailing."""
