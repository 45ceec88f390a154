"""Powder diffraction: patterns, lines and phases."""
