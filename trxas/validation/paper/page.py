"""The campaign as one self-contained HTML page: table, texts, and figures inside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from trxas.validation.paper.section import SectionResult
from trxas.validation.paper.table import HEADINGS

EXPLANATION = (
    "Every number of the paper beside the measured one. The measured numbers come from runs of the plans, are reduced "
    "from the stored runs named here, and carry the errors of their counts. The pull is the difference divided by both "
    "errors together; it is empty where the paper gives no error. Where the published number is exact, or the paper "
    "states that something is constant, its error is 0. A sign is 0 where the measured value is within two errors of 0."
)

FIGURE_DPI = 110


def html_page(title: str, results: Mapping[str, SectionResult]) -> str:
    """Return a page with the table of all sections, then the text and the figures of each under its title."""
    environment = Environment(
        loader=PackageLoader("trxas.validation.paper", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    rows = [row for result in results.values() for row in result.rows]
    return environment.get_template("page.html").render(
        title=title, explanation=EXPLANATION, headings=HEADINGS, rows=rows, results=results, image_source=_image_source
    )


def _image_source(figure: Figure) -> str:
    """Return the figure as a PNG image inside a data URL."""
    image = BytesIO()
    figure.savefig(image, format="png", dpi=FIGURE_DPI)
    return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode('ascii')}"
