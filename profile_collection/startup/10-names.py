"""The names of a session: RE, every device, every plan, bluesky's own, and the store."""

import bluesky.plan_stubs as bps
import bluesky.plans as bp

RE = session.run_engine
beamline = session.beamline
globals().update(beamline.devices)
globals().update(session.plans())
store = session.store
