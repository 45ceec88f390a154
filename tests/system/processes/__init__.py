"""System tests of processes."""
