"""Associations as requestor (PS3.8): the connection, TLS, negotiation, PDUs."""
