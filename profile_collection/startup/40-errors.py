"""Errors that trxas raises on purpose are printed as one message; all others have their traceback."""

from trxas.prompt.errors import install_short_tracebacks

install_short_tracebacks(get_ipython())
