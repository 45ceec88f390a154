"""Photoluminescence microscopy in a session."""
