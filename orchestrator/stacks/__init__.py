"""Vendor stacks: one file each, registering itself in ``orchestrator.stacks.base.STACKS``."""
