"""The campaign as one self-contained HTML page: table, figures inside, nothing to fetch."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO

from matplotlib.figure import Figure

from trxas.paper.table import HEADINGS, Row

STYLE = """
body { font-family: sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid #ccc; }
td:nth-child(5) { font-family: monospace; } img { max-width: 100%; } figcaption { color: #555; }
"""


def html_page(title: str, rows: Sequence[Row], figures: Mapping[str, Figure]) -> str:
    """A page with every row of the table and every figure under its caption."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells()) + "</tr>" for row in rows)
    images = "".join(
        f'<figure><img alt="{escape(caption)}" src="{_data_url(figure)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, figure in figures.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{images}</body></html>\n"
    )


def _data_url(figure: Figure) -> str:
    image = BytesIO()
    figure.savefig(image, format="png", dpi=110)
    return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode('ascii')}"
