"""What a modality says of its work, from worklist item to storage commitment."""
