"""System tests of plans."""
