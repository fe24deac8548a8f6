"""A workspace that looks lived in, for `make demo`: made from services where they exist, and
backdated by set-based SQL where only time could have made it (see history)."""
