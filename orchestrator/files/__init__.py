"""YAML files that users write: what is wrong in them, with the nearest right words."""
