"""System tests of reduction."""
