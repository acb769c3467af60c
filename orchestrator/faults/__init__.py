"""Faults: one file per layer, each fault registering itself in ``FAULTS``."""
