"""The command line: each module has the options of one command, as a dataclass, and `run`."""
