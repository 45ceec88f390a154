"""What concerns a session as a whole: lock, watchdog, jet guard, state of all PVs, suspensions."""
