"""Safety that every experiment's server has, whatever clients request: the session lock and the watchdog."""
