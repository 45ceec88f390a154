"""How documents travel from a session to every window: publisher, relay with replay, subscriber."""
