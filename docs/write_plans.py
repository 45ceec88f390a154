"""Write the plans into docs/reference/plans.md: `.venv/bin/python docs/write_plans.py`."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from plans.reference import with_plans  # noqa: E402  # found only on the path set above
from trxas.configuration import load_configuration  # noqa: E402

PAGE = REPOSITORY / "docs" / "reference" / "plans.md"

if __name__ == "__main__":
    text = with_plans(PAGE.read_text(encoding="utf-8"), load_configuration().beamline)
    PAGE.write_text(text, encoding="utf-8")
