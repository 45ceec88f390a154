"""The live panels, one module each: a panel has requests to the live worker and draws the answers."""
