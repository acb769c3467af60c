"""Probes: one file per service, each registering itself in ``PROBES``."""
