"""Errors of ours told as one message at the prompt: they say themselves what was wrong and what to do."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

from errors import TrxasError


class ShortRecords(logging.Filter):
    """Takes the traceback of our errors out of log records; bluesky logs one for every plan that fails."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten `record` if it is about an error of ours; keeps every record."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, TrxasError):
            record.exc_info = record.exc_text = None
        return True


def tell_errors_shortly(shell: Any) -> None:
    """Make an IPython shell print one message for errors of ours."""
    logging.getLogger("bluesky").addFilter(ShortRecords())
    if shell is not None:
        shell.set_custom_exc((TrxasError,), _tell)


def _tell(_shell: Any, kind: type[BaseException], error: BaseException, _trace: TracebackType, **_options: Any) -> None:
    print(f"{kind.__name__}: {error}", file=sys.stderr)
