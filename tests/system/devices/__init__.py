"""System tests of devices."""
