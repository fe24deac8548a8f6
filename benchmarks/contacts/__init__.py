"""The parts of bench_contacts: a workspace of a large company, and what is measured in it."""
