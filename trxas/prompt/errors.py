"""Errors that trxas raises on purpose, as one message at the prompt: the text names cause and remedy."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

from bluesky.utils import RequestAbort, RequestStop

from errors import InputError, TrxasError


class ShortRecords(logging.Filter):
    """Filter that shortens or drops log records on expected errors; bluesky logs "Run aborted" per plan that fails.

    Expected are a TrxasError, and the end of a plan that a person has asked for.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the traceback from a `record` on an expected error; return False for a plan that was refused."""
        error = record.exc_info[1] if record.exc_info else None
        # Wrong input is refused before a run begins: "Run aborted" would make a user look for a run that never was.
        if isinstance(error, InputError):
            return False
        if isinstance(error, TrxasError | RequestAbort | RequestStop):
            record.exc_info = record.exc_text = None
        return True


def install_short_tracebacks(shell: Any) -> None:
    """Make an IPython shell print one message for a TrxasError; None without a shell changes the log alone."""
    # bluesky logs the traceback of a plan that fails before the exception reaches the prompt, which would print a page
    # above a message of one line. Only errors that trxas raises on purpose are shortened: for a defect, the traceback
    # is what helps.
    logging.getLogger("bluesky").addFilter(ShortRecords())
    if shell is not None:
        shell.set_custom_exc((TrxasError,), _print_message)


def _print_message(
    _shell: Any, kind: type[BaseException], error: BaseException, _trace: TracebackType, **_options: Any
) -> None:
    print(f"{kind.__name__}: {error}", file=sys.stderr)
