"""The window: live transients, stored runs, and the control of the experiment."""
