"""A package that is installed for one test: a module and the metadata that name its entry points."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from plans.registry import PLANS
from plugins.entry_points import forget_plug_ins
from reduction.kinds import run_kinds

Install = Callable[[str, Mapping[str, str]], None]
"""Installs a module of this text, with its entry points by group; all are called "mine"."""

NAME = "borrowed_technique"
"""Name of the module and of the package."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    plans_before = dict(PLANS)

    def installed(text: str, entry_points: Mapping[str, str]) -> None:
        (tmp_path / f"{NAME}.py").write_text(text, encoding="utf-8")
        info = tmp_path / f"{NAME}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.2\n", encoding="utf-8")
        lines = "".join(f"[{group}]\nmine = {target}\n\n" for group, target in entry_points.items())
        (info / "entry_points.txt").write_text(lines, encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        forget_plug_ins()
        run_kinds.cache_clear()

    yield installed
    sys.modules.pop(NAME, None)
    monkeypatch.undo()
    forget_plug_ins()
    run_kinds.cache_clear()
    PLANS.clear()
    PLANS.update(plans_before)
