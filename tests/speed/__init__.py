"""Benchmarks of `make speed`: seedbed beside its peers, the machine's limits, scaling and start-up."""
