"""Photoluminescence microscopy on the command line."""
