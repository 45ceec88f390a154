"""The environment of Channel Access: address list, ports, and the repeater."""
