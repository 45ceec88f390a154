"""What was measured: finding stored runs, laying them over each other, telling them again."""
