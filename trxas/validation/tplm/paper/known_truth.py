"""What the simulated films truly have: the numbers of their files, and the diffusivities that follow from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from devices.configuration.toml_file import read_toml
from trxas.simulation import sample_file
from trxas.validation.tplm.paper.maps import ROOM_K, MapSetting, diffusivity_name

EXPERIMENT = ("--experiment", "tplm")

BOLTZMANN_MEV_K = 0.08617333
"""Boltzmann constant, meV/K."""

FREEZING_K = 40.0
"""Temperature below which the films' diffusivity has its floor, K."""


def truths_of_film(sample: str | None, settings: Iterable[MapSetting] = (), prefix: str = "") -> dict[str, float]:
    """Return the numbers of a film by table and key of its file, such as "diffusion.tau_us".

    With them come the diffusivities of the maps at `settings`, cm2/s, by names that begin with `prefix`. None is the
    simulation's default film. Raises InputError if there is no such film.
    """
    return truths_in(sample_file(sample, experiment=EXPERIMENT), settings, prefix)


def truths_in(file: Path, settings: Iterable[MapSetting] = (), prefix: str = "") -> dict[str, float]:
    """Return what `truths_of_film` does, of the film in a file; raises OSError if it cannot be read."""
    content = _content(file)
    numbers = {
        f"{table}.{key}": float(value)
        for table, keys in content.items()
        if isinstance(keys, Mapping)
        for key, value in keys.items()
        if isinstance(value, int | float)
    }
    of_maps = {diffusivity_name(one, prefix): _diffusivity_cm2_s(content, one) for one in settings}
    warmest_k = content["diffusion"]["activation_mev"] / (1.5 * BOLTZMANN_MEV_K)
    return {**numbers, **of_maps, WARMEST: warmest_k, ROOM_FWHM: _fwhm_ev(content["spectrum"])}


WARMEST = "temperature of the highest diffusivity"
"""Name of the truth that follows from the activation energy, K."""


ROOM_FWHM = "width of the emission at 296 K"
"""Name of the truth that follows from the phonons of a film, eV."""


def _fwhm_ev(film: Mapping[str, Any]) -> float:
    phonons = 1 / math.expm1(film["phonon_mev"] / (BOLTZMANN_MEV_K * ROOM_K))
    return float(1e-3 * (film["cold_fwhm_mev"] + film["phonon_fwhm_mev"] * phonons))


def _diffusivity_cm2_s(content: Mapping[str, Any], setting: MapSetting) -> float:
    # The law of the simulation, written once more: the validation must not import it, or both could be wrong together.
    film = content["diffusion"]
    excitons = content["emission"]["n_per_nw_mhz"] * setting.power_nw / setting.rate_mhz
    share = _share(film, excitons, setting.rate_mhz)
    room = film["slow_cm2_s"] + (film["fast_cm2_s"] - film["slow_cm2_s"]) * share
    kelvin = ROOM_K if setting.temperature_k is None else setting.temperature_k
    activated = math.exp(-film["activation_mev"] / BOLTZMANN_MEV_K * (1 / kelvin - 1 / ROOM_K))
    factor = max((kelvin / ROOM_K) ** -1.5 * activated, film["floor"])
    return float(room * (film["floor"] if kelvin < FREEZING_K else factor))


def _share(film: Mapping[str, Any], excitons: float, rate_mhz: float) -> float:
    """Return the share of fast crystals, 0 to 1, at this many excitons per crystal and pulse."""
    if film["law"] == "fluence":
        return float(excitons / (excitons + film["half_n"]))
    if film["law"] == "memory":
        staying = math.exp(-1 / (rate_mhz * film["tau_us"]))
        return excitons * staying / (1 - staying + excitons * staying)
    return math.exp(-1 / (excitons * rate_mhz) / film["tau_us"])


def _content(path: Path) -> dict[str, Any]:
    content = read_toml(path, "sample file")
    # A film states only what differs from the one that it extends.
    base = content.pop("extends", None)
    if base is None:
        return content
    beside = path.with_name(f"{base}.toml")
    whole = _content(beside if beside.exists() else sample_file(str(base), experiment=EXPERIMENT))
    for name, value in content.items():
        whole[name] = whole.get(name, {}) | value if isinstance(value, dict) else value
    return whole
