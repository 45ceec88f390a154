"""One module per panel of the window: each asks its questions and draws the answers."""
