"""Transports by URL, one connection, and the reconnecting around it."""
