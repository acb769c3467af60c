"""YAML files that users write: positions, problems, nearest right words."""
