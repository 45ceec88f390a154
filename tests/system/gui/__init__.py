"""System tests of gui."""
