"""Requests about powder diffraction runs."""
