"""Questions of the panels about a run, answered by `reduction`."""
