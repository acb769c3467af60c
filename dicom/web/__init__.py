"""DICOMweb (PS3.18) as a user agent speaks it: connection, messages, answers."""
