"""This machine: processes, ports and signals, and who owns them."""
