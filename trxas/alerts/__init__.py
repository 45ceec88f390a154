"""Alerts to people who are not in the hutch, sent by a process of its own that cannot delay a run."""
