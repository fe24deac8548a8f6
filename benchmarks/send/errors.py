class BenchError(Exception):
    """A measurement can't be made or can't be trusted; the text says why."""
