"""Services of a node, one file each: the command, and how it is carried out."""
