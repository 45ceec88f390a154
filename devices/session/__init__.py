"""Parts of a session as a whole: lock, watchdog, jet guard, state of all PVs, suspensions."""
