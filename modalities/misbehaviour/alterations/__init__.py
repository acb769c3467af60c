"""Alterations of objects, one file per kind; see ``modalities.misbehaviour.alteration``."""
