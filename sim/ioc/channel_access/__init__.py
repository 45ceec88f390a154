"""The Channel Access server: its sockets, its clients, what it replies, and the list of what it serves."""
