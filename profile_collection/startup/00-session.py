"""The session: `trxas ipython` passes one in; plain IPython opens it here."""

from trxas.configuration import load_configuration
from trxas.session.session import open_session

session = globals().get("session") or open_session(load_configuration())
