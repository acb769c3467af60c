"""PDU traces: from the bytes of a connection to the words of the standard."""
