"""The state of the beamline and of the documents' way to the window, as shape, word and value."""
