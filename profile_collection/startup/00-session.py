"""Connect the beamline, open the store, make the RunEngine."""

import os

from trxas.configuration import load_configuration
from trxas.session import open_session

session = open_session(load_configuration(prefix=os.environ.get("TRXAS_PREFIX")))
