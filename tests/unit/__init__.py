"""Tests without processes and sockets, each within a second of processor time."""
