"""If these fail, a line at the prompt makes people look for a run that never was, or hides one that has failed."""

from __future__ import annotations

import logging

import pytest

from errors import AcquisitionError, InputError
from trxas.prompt.errors import ShortRecords


def record_of(error: Exception) -> logging.LogRecord:
    about = (type(error), error, None)
    return logging.LogRecord("bluesky", logging.ERROR, "run_engine.py", 1, "Run aborted", (), about)


def test_a_plan_that_is_refused_aborts_no_run() -> None:
    assert not ShortRecords().filter(record_of(InputError("delay_ps = 1e9 ps is outside.")))


@pytest.mark.parametrize("error", [AcquisitionError("The counter is stuck."), ZeroDivisionError()])
def test_a_run_that_fails_is_reported_and_only_a_defect_with_its_traceback(error: Exception) -> None:
    record = record_of(error)
    assert ShortRecords().filter(record)
    assert (record.exc_info is None) is isinstance(error, AcquisitionError)
