"""Text on a terminal, in a pipe or in a log: in any encoding, with or without colours."""
