"""The campaign as one self-contained HTML page: table, figures inside, nothing to fetch."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO

from trxas.validation.paper.campaign import Drawing, PartResult
from trxas.validation.paper.table import HEADINGS, Row

STYLE = """
body { font-family: sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid #ccc; }
td:nth-child(5) { font-family: monospace; } img { max-width: 100%; } figcaption { color: #555; }
figure { margin: 1rem 0; }
"""

EXPLANATION = (
    "Every number of the paper beside ours. Ours are measured through the plans, read back from the store by the runs "
    "named, and carry the errors of their counts. The pull is the difference over both errors; it is empty where the "
    "paper gives no error. Where the published number is exact, or the paper states that something is constant, its "
    "error is 0. Signs are 0 where ours is within two errors of 0."
)


def html_page(title: str, parts: Mapping[str, PartResult]) -> str:
    """A page with the table of all parts, then the text and the figures of each under its title."""
    rows = [row for result in parts.values() for row in result.rows]
    sections = "".join(_section(name, result) for name, result in parts.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(EXPLANATION)}</p>"
        f"{_table(rows)}{sections}</body></html>\n"
    )


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells()) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _section(title: str, result: PartResult) -> str:
    failure = (f"This part could not be reduced: {result.failure}",) if result.failure else ()
    texts = "".join(f"<p>{escape(text)}</p>" for text in (*failure, *result.notes))
    content = texts + "".join(map(_figure, result.drawings))
    return f"<h2>{escape(title)}</h2>{content}" if content else ""


def _figure(drawing: Drawing) -> str:
    image = BytesIO()
    drawing.figure.savefig(image, format="png", dpi=110)
    source = f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode('ascii')}"
    caption = escape(drawing.caption)
    return f'<figure><img alt="{caption}" src="{source}"><figcaption>{caption}</figcaption></figure>'
