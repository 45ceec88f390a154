"""The tests: `unit` without processes and sockets, `system` with them, `support` for both."""
