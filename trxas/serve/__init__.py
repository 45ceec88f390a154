"""The parts that serve a beamline together: relay, queue server with its store, Tiled, simulated beamline."""
