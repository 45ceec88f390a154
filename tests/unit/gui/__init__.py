"""Unit tests of gui."""
