"""The metadata of a run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtWidgets import QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

LONGEST_LIST = 8
"""Longer lists are shown by their first and last values."""


class MetadataView(QWidget):
    """The start document of a run as a tree, with a field to search for keys and values."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Find in the metadata")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget(self)
        self.tree.setHeaderLabels(["Name", "Value"])
        self.tree.setAlternatingRowColors(True)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.search)
        layout.addWidget(self.tree)

    def show_document(self, document: Mapping[str, Any]) -> None:
        """Show `document`; an empty one clears the view.

        Times are local, and lists of more than 8 values are shown by their first and last ones.
        """
        self.tree.clear()
        for name, value in document.items():
            self.tree.addTopLevelItem(_entry(str(name), value))
        self._filter(self.search.text())

    def _filter(self, text: str) -> None:
        for row in range(self.tree.topLevelItemCount()):
            _show_matching(self.tree.topLevelItem(row), text.lower())


def _entry(name: str, value: Any) -> QTreeWidgetItem:
    if isinstance(value, Mapping):
        parent = QTreeWidgetItem([name, ""])
        for key, inner in value.items():
            parent.addChild(_entry(str(key), inner))
        return parent
    return QTreeWidgetItem([name, _text(name, value)])


def _text(name: str, value: Any) -> str:
    if name == "time" and isinstance(value, int | float):
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value))
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > LONGEST_LIST:
        first, last = (", ".join(map(str, part)) for part in (value[:3], value[-2:]))
        return f"{first}, … {last}  ({len(value)} values)"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)


def _show_matching(item: QTreeWidgetItem | None, text: str) -> bool:
    """Hide items that do not match; return whether the item or any below it matches."""
    if item is None:
        return False
    # An item that matches shows everything below it; otherwise only what matches itself stays, with the path to it. So
    # a search for "reduction" shows all of its settings, and one for "irf" only that line, opened.
    own = any(text in item.text(column).lower() for column in (0, 1))
    below = [_show_matching(item.child(row), "" if own else text) for row in range(item.childCount())]
    fits = own or any(below)
    item.setHidden(not fits)
    item.setExpanded(bool(text) and any(below))
    return fits
