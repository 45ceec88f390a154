"""Microscopes and their runs for tests."""
