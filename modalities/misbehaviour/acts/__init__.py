"""Acts of wire misbehaviour, one file per kind; see ``modalities.misbehaviour.act``."""
