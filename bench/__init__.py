"""Benchmarks: two ways of doing the same thing in one run, printed as a ratio."""
