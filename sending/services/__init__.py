"""The verbs of sending, one file for each noun."""
