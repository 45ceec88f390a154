"""The names of a session: RE, every device, every plan, and the store."""

RE = session.run_engine
beamline = session.beamline
globals().update(beamline.devices)
globals().update(session.plans())
store = session.store
