"""Write the plans into the pages of docs/reference/: `.venv/bin/python docs/write_plans.py`."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from plans.reference import with_plans  # noqa: E402  # found only on the path set above
from trxas.configuration import SHIPPED, load_configuration  # noqa: E402

REFERENCE = REPOSITORY / "docs" / "reference"

PAGES = {"7ID-D": "plans.md"} | {
    name: f"{name}-plans.md" for name in SHIPPED if (REFERENCE / f"{name}-plans.md").exists()
}
"""Pages by the configuration whose plans and ranges they show; one of another technique begins with its name."""

if __name__ == "__main__":
    for configuration, page in PAGES.items():
        path = REFERENCE / page
        text = with_plans(path.read_text(encoding="utf-8"), load_configuration(configuration).beamline)
        path.write_text(text, encoding="utf-8")
