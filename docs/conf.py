"""Build the documentation: `make docs`, with warnings as errors."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

project = "trxas"
author = "the trxas developers"
release = installed_version("trxas")
version = release

extensions = ["myst_parser", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"trxas {release}"
exclude_patterns = ["_build"]

# Docstrings write `names` in single backticks, as Markdown does.
default_role = "code"
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "member-order": "bysource", "undoc-members": False}
autodoc_typehints = "signature"
# Widgets and areaDetector classes inherit long docstrings that are not ours to check.
autodoc_inherit_docstrings = False

# Annotations name classes without their module, and some layers have a class of the same name.
suppress_warnings = ["ref.python"]

PACKAGES = (
    "errors",
    "processes",
    "plugins",
    "reduction",
    "devices",
    "plans",
    "storage",
    "broadcast",
    "gui",
    "trxas",
    "sim",
)
apidoc_modules = [
    {
        "path": f"../{package}",
        "destination": f"reference/api/{package}",
        "separate_modules": False,
        "module_first": True,
        "exclude_patterns": ["**/__main__.py"],
    }
    for package in PACKAGES
]


def escape_markup(_app: Any, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Escape the inline markup of reStructuredText that docstrings do not use, outside of code spans."""
    lines[:] = [re.sub(r"(`[^`]*`)|([|*])", lambda found: found[1] or f"\\{found[2]}", line) for line in lines]


def setup(app: Any) -> None:
    """Connect the hook above, before napoleon reads the docstrings."""
    app.connect("autodoc-process-docstring", escape_markup, priority=100)
