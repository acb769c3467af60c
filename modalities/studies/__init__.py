"""Simulated studies: what their bytes follow from, and how they are made and written."""
