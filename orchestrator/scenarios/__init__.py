"""Scenario files: loading, checking, selecting, and their schema."""
