"""System tests of storage."""
