"""Unit tests of reduction."""
