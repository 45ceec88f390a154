"""Processes killed at random moments, and the comparison with processes that are left alone."""
