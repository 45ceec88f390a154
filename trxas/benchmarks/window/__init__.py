"""Speed of the window: frames per second, and the time from an event to its pixel."""
