"""Panels of photoluminescence microscopy."""
