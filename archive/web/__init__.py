"""DICOMweb (PS3.18) of the profile archive: STOW-RS, QIDO-RS and WADO-RS on its web port."""
