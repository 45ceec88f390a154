"""A session's running plan in the hands of a window: paused, resumed, stopped and aborted from another process."""
