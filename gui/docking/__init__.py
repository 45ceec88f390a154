"""The docks of the window: their content, their places, and their titles."""
