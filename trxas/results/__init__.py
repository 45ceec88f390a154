"""Reduced runs as tables and figures."""
