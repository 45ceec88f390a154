"""The table of the campaign as a whole: how many numbers agree, whether by chance, and which do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scipy.stats import chi2

from trxas.validation.paper.table import Row, RowKind

MEANINGS = {
    RowKind.PAPER: "compared with the paper",
    RowKind.TRUTH: "compared with the truth of the simulated sample",
    RowKind.CONSISTENCY: "consistent with each other",
}
"""Kinds of rows in words, in the order of the summary."""


def rows_with_truth(rows: Sequence[Row], truths: dict[str, float]) -> list[Row]:
    """Return the rows, and after each that has a truth the comparison with it; `truths` by name in the sample file.

    Where the truth is known, rows of which nothing is expected are left out.
    """
    found: list[Row] = []
    for row in rows:
        found.append(row)
        if row.truth in truths:
            remark = f"{row.truth} of the sample"
            found.append(
                replace(
                    row, kind=RowKind.TRUTH, expected=truths[row.truth], expected_sigma=0.0, truth="", remark=remark
                )
            )
    return [row for row in found if row.expected is not None or not truths]


def summary_lines(rows: Sequence[Row]) -> list[str]:
    """Return a line for each kind of row, and the rows that disagree."""
    lines = [_line([row for row in rows if row.kind is kind], kind) for kind in MEANINGS]
    return [line for line in lines if line]


def _line(rows: Sequence[Row], kind: RowKind) -> str:
    """Return agreement and disagreement of the rows of one kind, "" if there are none."""
    if not rows:
        return ""
    pulls = [row.pull for row in rows if row.pull is not None]
    signs = [row for row in rows if row.pull is None and row.agrees is not None]
    parts = []
    if pulls:
        # The sum tests all pulls at once: many slightly large ones can disagree although none does alone. Correlated
        # rows are counted as if independent, so a small p-value is a reason to look and not a proof.
        chi_square = sum(pull**2 for pull in pulls)
        p_value = float(chi2.sf(chi_square, len(pulls)))
        parts.append(f"{_number(len(pulls), 'pull')} with chi-square {chi_square:.1f}, p = {p_value:.2g}")
    if signs:
        parts.append(f"{sum(bool(row.agrees) for row in signs)} of {len(signs)} signs and classes agree")
    unknown = sum(row.agrees is None for row in rows)
    if unknown:
        parts.append(f"{unknown} not determined")
    others = [row.name if row.pull is None else f"{row.name} ({row.pull:+.1f})" for row in rows if row.agrees is False]
    parts.append(f"disagree: {', '.join(others)}" if others else "none disagrees")
    return f"{MEANINGS[kind]}: {_number(len(rows), 'number')}; {'; '.join(parts)}"


def _number(count: int, what: str) -> str:
    """Return a number of things in words, such as "1 pull" or "2 pulls"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
