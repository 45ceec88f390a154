"""Panels for powder diffraction runs."""
