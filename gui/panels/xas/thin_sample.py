"""Amplitudes and slopes as a thin sample would show them, as rows of a table."""

from __future__ import annotations

from gui.panels.value_table import Cell
from reduction.values import Value
from reduction.xas.self_absorption import by_described_jet, described_loss
from reduction.xas.transient import TransientMetadata
from reduction.xas.unpumped_size import percent_text


def thin_rows(change: Value, metadata: TransientMetadata, per: str = "") -> list[list[Cell]]:
    """Return a relative change as a thin sample would show it, in % `per` a unit, shape (1, 2).

    Nothing if the run does not describe its jet and concentration.
    """
    thin = by_described_jet(change, metadata)
    loss = described_loss(metadata)
    if thin is None or loss is None:
        return []
    return [["thin sample", f"{percent_text(thin)}{per}; fluorescence {percent_text(loss)} weaker per edge step"]]
