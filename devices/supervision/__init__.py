"""What watches the whole beamline during a session: its guard, and the state of every PV."""
