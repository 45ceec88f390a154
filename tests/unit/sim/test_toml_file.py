"""If these fail, a sample or fault file is refused, or its names are changed, because of the editor that saved it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devices.configuration import read_toml as read_configuration
from errors import ConfigurationError
from sim.errors import SimulationInputError
from sim.faults.schedule import load_faults
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample
from sim.toml_file import read_toml

FAULTS = '# µs\r\n[[faults]]\nkind = "jet"\nat_s = 1.0\nduration_s = 2.0\n'
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_files_are_read_as_editors_save_them(tmp_path: Path, encoding: str) -> None:
    """Lost: an evening, over a mark at the beginning of the file that no editor shows."""
    path = tmp_path / "file.toml"
    sample = DEFAULT_SAMPLE.read_text(encoding="utf-8")
    path.write_bytes(f"# température 25 °C\n{sample}".encode(encoding))
    assert load_sample(path) == load_sample()
    path.write_bytes(FAULTS.encode(encoding))
    assert read_toml(path, "fault") == read_configuration(path)


@pytest.mark.parametrize("load", [load_faults, load_sample])
def test_another_encoding_is_refused_with_its_line(tmp_path: Path, load: Callable[[Path], Any]) -> None:
    """Lost: a traceback without the place, or a sample under another name."""
    path = tmp_path / "file.toml"
    path.write_bytes('# one line\nname = "Höhe"\n'.encode("latin-1"))
    message = r"file\.toml: line 2 holds the byte 0xf6, which is not UTF-8\. .*Latin-1.*Save it as UTF-8"
    with pytest.raises(SimulationInputError, match=message):
        load(path)
    with pytest.raises(ConfigurationError, match=message):
        read_configuration(path)


def test_a_missing_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(SimulationInputError, match=r"Cannot read sample file .*nowhere\.toml"):
        load_sample(tmp_path / "nowhere.toml")
