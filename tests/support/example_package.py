"""The package of examples/magnet_and_emission, installed into a folder by its own build, without a network."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plans.plug_ins import load_plans
from plans.registry import PLANS
from plugins.entry_points import forget_plug_ins
from reduction.kinds import run_kinds
from tests.support.waiting import COMMAND_S

SOURCE = Path(__file__).parents[2] / "examples" / "magnet_and_emission"
NAME = "magnet_and_emission"

BUILD = "import setuptools; setuptools.setup()"
"""Code that runs the build which the package's pyproject.toml names; pip would run it in its own environment."""


@contextlib.contextmanager
def installed_example(folder: Path) -> Iterator[Path]:
    """Install the package below `folder`, for this process and those that it starts; yield the folder of its files."""
    source = folder / "source"
    target = folder / "installed"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    install = ["install_lib", "--install-dir", str(target), "install_egg_info", "--install-dir", str(target)]
    subprocess.run(
        [sys.executable, "-c", BUILD, "-q", "build", *install],
        cwd=source, check=True, capture_output=True, timeout=COMMAND_S,
    )  # fmt: skip
    plans_before = dict(PLANS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(target))
        path = os.pathsep.join(filter(None, (str(target), os.environ.get("PYTHONPATH"))))
        patch.setenv("PYTHONPATH", path)
        forget_plug_ins()
        run_kinds.cache_clear()
        load_plans()
        yield target / NAME
    for module in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[module]
    forget_plug_ins()
    run_kinds.cache_clear()
    PLANS.clear()
    PLANS.update(plans_before)
