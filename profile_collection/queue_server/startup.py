"""The queue server's session: its RunEngine and its plans."""

from trxas.serve.environment import open_environment

globals().update(open_environment())
