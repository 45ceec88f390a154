"""Seeded, vectorised physics of the experiment: plain functions and small dataclasses, no server."""
