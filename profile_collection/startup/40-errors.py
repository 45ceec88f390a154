"""Errors that trxas raises on purpose are printed as one message; all others have their traceback.

Text prints on a terminal of any encoding.
"""

from trxas.prompt.errors import install_short_tracebacks
from trxas.terminal.encoding import make_output_safe

make_output_safe()
install_short_tracebacks(get_ipython())
