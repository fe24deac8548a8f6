"""The parts of `make bench-send`; benchmarks.bench_send puts them together."""
