"""Acts of wire misbehaviour, one file per layer; see ``modalities.misbehaviour.act``."""
