"""What `make bench-send` is made of; benchmarks.bench_send puts it together."""
