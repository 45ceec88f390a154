"""Photoluminescence microscopy in figures."""
