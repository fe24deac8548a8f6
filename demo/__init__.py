"""The demo workspace of `make demo`, with half a year of history. Services create the data where
possible; set-based SQL backdates it (see history)."""
