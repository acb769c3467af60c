"""Services that a node's own SCP offers, one file each; see ``modalities.scp.acceptor``."""
