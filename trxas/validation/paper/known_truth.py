"""The truth of the simulated sample: compared with the results once all of them are there, never used before."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np

from devices.configuration.toml_file import decoded
from trxas.simulation import sample_file
from trxas.validation.coverage.random_sample import draw_truth
from trxas.validation.coverage.sample_file import sample_toml
from trxas.validation.paper.true_spectra import spectral_truths

SEALED = "sealed-sample.toml"
"""File in the output folder with the drawn sample of a blind campaign."""


def sealed_sample(folder: Path, *, resume: bool) -> Path:
    """Draw a sample from unrecorded random numbers, write it under `folder`, and return its path.

    With `resume` the sample that was drawn before is used again, if there is one.
    """
    path = folder / SEALED
    if not (resume and path.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(sample_toml(draw_truth(np.random.default_rng())), encoding="utf-8")
        # The answer stays sealed: nobody else who uses this folder can read it by accident.
        path.chmod(0o600)
    return path


def sample_fingerprint(sample: str | None) -> str:
    """Return a number of 64 hexadecimal digits that the contents of a sample's file determine.

    None is the simulation's default sample. Raises InputError if there is no such sample.
    """
    return hashlib.sha256(sample_file(sample).read_bytes()).hexdigest()


def truths_of(sample: str | None) -> dict[str, float]:
    """Return the numbers of a sample by table and key of its file, such as "kinetics.tau1_ps", and of its spectra.

    None is the simulation's default sample. Raises InputError if there is no such sample, ConfigurationError if its
    file cannot be read.
    """
    file = sample_file(sample)
    return truths_in(decoded(file.read_bytes(), file, "sample file"))


def truths_in(text: str) -> dict[str, float]:
    """Return the numbers of the `text` of a sample file, in the units of their names; see `truths_of`."""
    content = tomllib.loads(text.replace("\r\n", "\n"))
    numbers = {
        f"{table}.{key}": float(value)
        for table in ("kinetics", "beam")
        for key, value in content.get(table, {}).items()
        # Texts and lists of these tables are labels and overlaps, with which no measured number is compared.
        if isinstance(value, int | float)
    }
    fractions = [numbers.get(f"kinetics.fraction{number}", 0.0) for number in (1, 2)]
    return numbers | {"kinetics.offset": 1.0 - sum(fractions)} | spectral_truths(content)
