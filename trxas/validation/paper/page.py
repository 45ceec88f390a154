"""The campaign as one self-contained HTML page: table, texts, and figures inside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from trxas.validation.paper.section import SectionResult
from trxas.validation.paper.summary import summary_lines
from trxas.validation.paper.table import HEADINGS

EXPLANATION = (
    "Measured numbers beside what they are compared with: a number of the paper, the truth of the simulated sample, "
    "or a statement that holds for any sample. The measured numbers come from runs of the plans, are reduced from "
    "the stored runs named here, and carry the errors of their counts. The pull is the difference divided by both "
    "errors together; a pull beyond 3 disagrees. Where the paper gives no error, its last digit is taken as "
    "rounded. Where the paper states that something is constant, the error is 0. A sign is 0, and not determined, "
    "where the measured value is within two errors of 0."
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
    summary = summary_lines(rows)
    return environment.get_template("page.html").render(
        title=title,
        explanation=EXPLANATION,
        headings=HEADINGS,
        rows=rows,
        summary=summary,
        results=results,
        image_source=_image_source,
    )


def _image_source(figure: Figure) -> str:
    """Return the figure as a PNG image inside a data URL."""
    # The page is one file that can be mailed or archived, so the figures are inside it.
    image = BytesIO()
    figure.savefig(image, format="png", dpi=FIGURE_DPI)
    return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode('ascii')}"
