"""What both sides of a DICOM exchange stand on: wire, datasets, outcomes; knows nobody."""
