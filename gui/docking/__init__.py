"""The docks of the window: what they hold, where they are, and their titles."""
