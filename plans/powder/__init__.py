"""Plans of the thermostated powder cell."""
