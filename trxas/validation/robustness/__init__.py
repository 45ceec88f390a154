"""Scans while faults strike and processes are killed, compared with undisturbed scans."""
