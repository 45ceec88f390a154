"""If these fail, a file that an editor saved with a byte order mark ends a command, maybe after hours of beam time."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from errors import ConfigurationError, InputError
from trxas.configuration import DEFAULT_CONFIGURATION
from trxas.secrets import secret
from trxas.simulation import sample_file
from trxas.validation.coverage.sample_template import read_template
from trxas.validation.coverage.user_campaign import simulated_part
from trxas.validation.paper.known_truth import truths_of

ENCODINGS = pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])


def as_saved(original: Path, folder: Path, encoding: str) -> Path:
    """Return a copy of a file with the line ends of Windows."""
    path = folder / original.name
    path.write_bytes(original.read_text(encoding="utf-8").replace("\n", "\r\n").encode(encoding))
    return path


@ENCODINGS
def test_a_sample_file_is_read_by_the_coverage(tmp_path: Path, encoding: str) -> None:
    original = sample_file(None)
    assert (
        read_template(as_saved(original, tmp_path, encoding), "Br K").content == read_template(original, "Br K").content
    )


def test_the_truth_of_a_sample_file_is_read_at_the_end_of_the_paper(tmp_path: Path) -> None:
    """`trxas paper --sample FILE` ended in an error after everything was measured."""
    path = as_saved(sample_file(None), tmp_path, "utf-16")
    assert truths_of(str(path))["kinetics.tau1_ps"] > 0


@ENCODINGS
def test_a_configuration_is_read_by_the_coverage_too(tmp_path: Path, encoding: str) -> None:
    path = as_saved(DEFAULT_CONFIGURATION, tmp_path, encoding)
    (tmp_path / "part").mkdir()
    assert tomllib.loads(simulated_part(path, tmp_path / "part").read_text(encoding="utf-8"))["extends"] == str(path)


def test_a_sample_file_in_latin_1_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes('name = "0,5 µm"\n'.encode("latin-1"))
    with pytest.raises(InputError, match=r"--sample .*Cannot read sample file .*line 1 holds the byte 0xb5"):
        read_template(path, "Br K")


@ENCODINGS
def test_a_secret_is_found_behind_a_mark(tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    path = tmp_path / "secrets"
    path.write_bytes("MAIL_PASSWORD=häuschen\r\n".encode(encoding))
    path.chmod(0o600)
    assert secret("MAIL_PASSWORD", str(path)) == "häuschen"
    path.write_bytes("MAIL_PASSWORD=häuschen\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="cannot be read") as refused:
        secret("MAIL_PASSWORD", str(path))
    assert "0x" not in str(refused.value)
