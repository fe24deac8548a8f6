class BenchError(Exception):
    """A measurement isn't possible or isn't valid; the text says why."""
