"""The paper's campaign on one beamline: measure every part, reduce it, and hold it against the published numbers."""
