"""Unit tests of broadcast."""
