"""Panels for X-ray absorption runs."""
