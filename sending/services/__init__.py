"""The operations of sending, one file for each noun."""
