"""Export of a plot as a picture, a drawing, or a table with errors."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPoint, QSize
from qtpy.QtGui import QImage, QPainter
from qtpy.QtSvg import QSvgGenerator
from qtpy.QtWidgets import QWidget

from errors import InputError, StorageError

PIXELS_PER_POINT = 3.0
"""Pixels of a picture per pixel of the screen, for about 300 dots per inch in print."""


@dataclass(frozen=True, kw_only=True)
class ExportedCurve:
    """A curve for a table: its `name`, and `x`, `y` and `sigma`, (points,) each; `sigma` is None without errors."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    sigma: NDArray[np.float64] | None


def write_table(path: Path, abscissa: str, columns: Sequence[ExportedCurve], remarks: Sequence[str] = ()) -> None:
    """Write curves as CSV, `remarks` first as lines that begin with #.

    Curves on one grid share the abscissa: `energy_ev,off,off_sigma,...`. Others are written one below the other, as
    `curve,energy_ev,value,sigma`. Numbers keep all their digits. Raises StorageError if the file cannot be written.
    """
    # One grid for all curves gives the table that people expect, a row per point. Curves on several grids, as overlaid
    # runs, would need empty cells that programs read as zeros; they are written one below the other.
    same = all(np.array_equal(column.x, columns[0].x) for column in columns)
    rows = _wide(abscissa, columns) if columns and same else _long(abscissa, columns)
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            file.writelines(f"# {line}\n" for line in remarks)
            csv.writer(file).writerows(rows)
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror}. Choose another folder.") from error


def write_picture(path: Path, widget: QWidget) -> None:
    """Write a widget as PNG or SVG, by the suffix of `path`.

    Raises InputError for any other suffix, StorageError if the file cannot be written.
    """
    if path.suffix.lower() == ".svg":
        _write_svg(path, widget)
    elif path.suffix.lower() == ".png":
        _write_png(path, widget)
    else:
        raise InputError(f"{path.name} ends with {path.suffix!r}. Use .png, .svg or .csv.")


def _write_png(path: Path, widget: QWidget) -> None:
    image = QImage(widget.size() * PIXELS_PER_POINT, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(PIXELS_PER_POINT)
    _render(widget, QPainter(image))
    if not image.save(str(path)):
        raise StorageError(f"Cannot write {path}. Choose another folder.")


def _write_svg(path: Path, widget: QWidget) -> None:
    if not path.parent.is_dir():
        raise StorageError(f"Cannot write {path}: there is no folder {path.parent}. Choose another folder.")
    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setSize(QSize(widget.width(), widget.height()))
    generator.setViewBox(widget.rect())
    painter = QPainter()
    if not painter.begin(generator):
        raise StorageError(f"Cannot write {path}. Choose another folder.")
    _render(widget, painter)


def _render(widget: QWidget, painter: QPainter) -> None:
    try:
        # The method of QWidget: that of a graphics view omits overlays, such as the word STALE.
        QWidget.render(widget, painter, QPoint())
    finally:
        painter.end()


def _wide(abscissa: str, columns: Sequence[ExportedCurve]) -> list[list[object]]:
    header: list[object] = [abscissa]
    arrays = [columns[0].x]
    for column in columns:
        header.append(column.name)
        arrays.append(column.y)
        if column.sigma is not None:
            header.append(f"{column.name}_sigma")
            arrays.append(column.sigma)
    return [header, *(list(row) for row in zip(*(array.tolist() for array in arrays), strict=True))]


def _long(abscissa: str, columns: Sequence[ExportedCurve]) -> list[list[object]]:
    rows: list[list[object]] = [["curve", abscissa, "value", "sigma"]]
    for column in columns:
        sigma: list[object] = [""] * len(column.x) if column.sigma is None else column.sigma.tolist()
        points = zip(column.x.tolist(), column.y.tolist(), sigma, strict=True)
        rows.extend([column.name, *point] for point in points)
    return rows
