"""Requests of the panels about a run, answered by functions of `reduction`."""
