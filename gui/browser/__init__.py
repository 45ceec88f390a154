"""Stored runs: find, overlay, inspect and replay them."""
