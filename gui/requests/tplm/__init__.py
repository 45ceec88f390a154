"""Requests of the panels of photoluminescence microscopy."""
