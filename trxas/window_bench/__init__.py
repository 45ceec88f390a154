"""How fast the window is: frames per second, event to pixel, and memory, without a screen."""
