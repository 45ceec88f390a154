"""Tests with processes, sockets, or much to compute."""
