"""What a scientist sees and types at the prompt."""
