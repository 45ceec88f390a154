"""Scans while everything fails, and the comparison with scans while nothing does."""
