"""DIMSE messages of SCUs (PS3.7), and what becomes of their responses."""
