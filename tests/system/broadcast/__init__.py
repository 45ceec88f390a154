"""System tests of broadcast."""
