"""Alterations of objects, one file per layer; see ``modalities.misbehaviour.alteration``."""
