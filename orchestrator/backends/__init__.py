"""Backends: one file each, registering itself in ``orchestrator.backends.base.BACKENDS``."""
