"""Simulated modalities, workstations and the wire they speak on; they know nothing of the lab."""
