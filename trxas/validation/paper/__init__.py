"""The paper's campaign on one beamline: measure every section, reduce it, and compare it with the published numbers."""
