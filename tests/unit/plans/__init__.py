"""Unit tests of plans."""
