"""Photoluminescence microscopy at the prompt."""
