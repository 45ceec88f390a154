"""Errors of ours are told as one message; everything else keeps its traceback."""

from trxas.prompt.errors import tell_errors_shortly

tell_errors_shortly(get_ipython())
