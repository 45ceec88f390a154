"""System tests of sim."""
