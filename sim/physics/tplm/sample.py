"""The truth of a nanocrystal film and of the microscope, read from a TOML file (see sim/samples/tplm/)."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from sim.errors import SimulationInputError
from sim.physics.sample import SAMPLES
from sim.toml_file import read_toml

TPLM_SAMPLES = SAMPLES / "tplm"
"""Folder of the film samples that come with the simulation."""

DEFAULT_TPLM_SAMPLE = TPLM_SAMPLES / "ola_oa.toml"
"""Sample file of the paper's main film, OLA/OA ligands."""

SIGNED = {"centre_x_um", "centre_y_um", "drift_nm_min", "shift_mev_k", "shift_mev_decade", "offset_nm"}
"""Keys that may be negative; all others must not."""

POSITIVE = {
    *("tau_us", "half_n", "counts_per_s_per_nw", "join_ns", "slow_prompt_ns", "fast_prompt_ns", "spot_fwhm_nm"),
    *(
        "collection_fwhm_nm",
        "magnification",
        "bin_ps",
        "irf_fwhm_ps",
        "irf_tail_ps",
        "n_per_nw_mhz",
        "depth_um",
        "drift_period_h",
    ),
    *("low_power_nw", "high_power_nw"),
    *("peak_ev", "cold_fwhm_mev", "phonon_mev", "dispersion_nm", "fwhm_nm", "electrons_per_count"),
}
"""Keys that divide or scale, and so must be above 0."""

T = TypeVar("T")


class Law(StrEnum):
    """How the diffusivity depends on the excitation."""

    RELAXATION = "relaxation"
    MEMORY = "memory"
    FLUENCE = "fluence"


@dataclass(frozen=True, kw_only=True)
class Diffusion:
    """Diffusivities of crystals at rest and of just visited ones, cm2/s at 296 K, and the relaxation between them, us.

    `half_n` is the number of excitons per crystal and pulse at which the law `fluence` is half way.
    """

    law: str
    slow_cm2_s: float
    fast_cm2_s: float
    tau_us: float
    half_n: float
    activation_mev: float
    floor: float


@dataclass(frozen=True, kw_only=True)
class Emission:
    """Detected light: its rate with the detector at the centre, and its decay.

    Between `low_power_nw` and `high_power_nw` the prompt lifetime and the exponent of the power law change linearly
    with the logarithm of the power, and stay constant outside.
    """

    counts_per_s_per_nw: float
    low_power_nw: float
    high_power_nw: float
    slow_prompt_ns: float
    fast_prompt_ns: float
    low_exponent: float
    high_exponent: float
    join_ns: float
    n_per_nw_mhz: float
    bleach_per_nw_s: float


@dataclass(frozen=True, kw_only=True)
class Image:
    """The image on the sample's scale: widths in nm, true centre in um, swinging drift, true magnification.

    The drift is fastest at the start, `drift_nm_min`.
    """

    spot_fwhm_nm: float
    collection_fwhm_nm: float
    depth_um: float
    centre_x_um: float
    centre_y_um: float
    drift_nm_min: float
    drift_period_h: float
    magnification: float


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The photon timing: channel width, response, dead time, time zero of both trigger sources, dark counts."""

    bin_ps: float
    irf_fwhm_ps: float
    irf_tail_share: float
    irf_tail_ps: float
    time_zero_ps: float
    insertion_delay_ps: float
    dead_time_ns: float
    dark_hz: float
    stray_hz: float
    scatter_hz_per_nw: float


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """The spectrum of the emission, a Gaussian per energy: its peak at 296 K and 1 nW, and its width.

    The peak moves by `shift_mev_k` per K, and by `shift_mev_decade` per decade of the power. The width is
    `cold_fwhm_mev` plus `phonon_fwhm_mev` times the number of phonons of `phonon_mev`.
    """

    peak_ev: float
    shift_mev_k: float
    shift_mev_decade: float
    cold_fwhm_mev: float
    phonon_mev: float
    phonon_fwhm_mev: float


@dataclass(frozen=True, kw_only=True)
class Spectrograph:
    """Spectrograph and camera: dispersion per pixel and width of a sharp line, nm; sensitivity; noise.

    `offset_nm` is the error of the wavelength shown. Rates of electrons are those of the whole spectrum; `ambient_hz`
    and `dark_e_s` are per column and per pixel.
    """

    dispersion_nm: float
    fwhm_nm: float
    offset_nm: float
    electrons_per_s_per_nw: float
    laser_electrons_per_s_per_nw: float
    ambient_hz: float
    bias_counts: float
    electrons_per_count: float
    read_noise_e: float
    dark_e_s: float


@dataclass(frozen=True, kw_only=True)
class Film:
    """One simulated film under its microscope."""

    name: str
    diffusion: Diffusion
    emission: Emission
    image: Image
    timing: Timing
    spectrum: Spectrum
    spectrograph: Spectrograph


def shipped_films() -> dict[str, Path]:
    """Return the sample files of films that come with the simulation, by the names that select them."""
    return {path.stem: path for path in sorted(TPLM_SAMPLES.glob("*.toml"))}


def film_path(sample: str) -> Path:
    """Return the file of a film, given as the name of a shipped one or as a path.

    Raises SimulationInputError listing the shipped names if it is neither. A file takes precedence over a shipped name.
    """
    shipped = shipped_films()
    if Path(sample).is_file():
        return Path(sample)
    if sample in shipped:
        return shipped[sample]
    raise SimulationInputError(
        f"There is no film {sample!r}: give one of {', '.join(shipped)}, or the path of a sample file (TOML)"
    )


def load_film(path: Path = DEFAULT_TPLM_SAMPLE) -> Film:
    """Read a sample file; raises SimulationInputError with the file, the table and the wrong key.

    A file with `extends = "NAME"` changes single keys of a shipped film.
    """
    raw = _extended(path)
    tables = {
        "diffusion": Diffusion, "emission": Emission, "image": Image, "timing": Timing, "spectrum": Spectrum,
        "spectrograph": Spectrograph,
    }  # fmt: skip
    unknown = set(raw) - {"name", *tables}
    if unknown:
        raise SimulationInputError(
            f"{path}: unknown tables {sorted(unknown)}; known: name, extends, {', '.join(tables)}"
        )
    film = Film(
        name=str(raw.get("name", path.stem)),
        diffusion=_table(Diffusion, raw.get("diffusion", {}), f"{path}: diffusion"),
        emission=_table(Emission, raw.get("emission", {}), f"{path}: emission"),
        image=_table(Image, raw.get("image", {}), f"{path}: image"),
        timing=_table(Timing, raw.get("timing", {}), f"{path}: timing"),
        spectrum=_table(Spectrum, raw.get("spectrum", {}), f"{path}: spectrum"),
        spectrograph=_table(Spectrograph, raw.get("spectrograph", {}), f"{path}: spectrograph"),
    )
    _check(film, path)
    return film


def _extended(path: Path) -> dict[str, Any]:
    raw = read_toml(path, "sample")
    base_name = raw.pop("extends", None)
    if base_name is None:
        return raw
    shipped = shipped_films()
    if base_name not in shipped:
        raise SimulationInputError(f"{path}: extends = {base_name!r}: must be one of {', '.join(shipped)}")
    base = _extended(shipped[base_name])
    for name, value in raw.items():
        both_tables = isinstance(value, dict) and isinstance(base.get(name), dict)
        base[name] = base[name] | value if both_tables else value
    return base


def _table(cls: type[T], table: dict[str, Any], where: str) -> T:
    if not isinstance(table, dict):
        raise SimulationInputError(f"{where} = {table!r}: must be a table")
    keys = {item.name for item in fields(cls)}  # type: ignore[arg-type]  # every cls here is a dataclass
    required = {item.name for item in fields(cls) if item.default is MISSING}  # type: ignore[arg-type]  # as above
    missing = sorted(required - set(table))
    unknown = sorted(set(table) - keys)
    if missing or unknown:
        raise SimulationInputError(f"{where}: missing keys {missing}, unknown keys {unknown}")
    numbers = {name: value for name, value in table.items() if name != "law"}
    for name, value in numbers.items():
        _check_number(name, value, where)
    return cls(**{**table, **{name: float(value) for name, value in numbers.items()}})


def _check_number(name: str, value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SimulationInputError(f"{where}: {name} = {value!r} must be a finite number")
    if (name in POSITIVE and value <= 0) or (name not in SIGNED and value < 0):
        raise SimulationInputError(
            f"{where}: {name} = {value:g} must {'be above' if name in POSITIVE else 'not be below'} 0"
        )


def _check(film: Film, path: Path) -> None:
    if film.diffusion.law not in list(Law):
        raise SimulationInputError(f"{path}: diffusion: law = {film.diffusion.law!r} must be one of {', '.join(Law)}")
    if min(film.emission.low_exponent, film.emission.high_exponent) <= 1:
        raise SimulationInputError(f"{path}: emission: exponents must be above 1, or the tail holds endless light")
    if film.emission.high_power_nw <= film.emission.low_power_nw:
        raise SimulationInputError(f"{path}: emission: high_power_nw must be above low_power_nw")
    if film.timing.irf_tail_share >= 1:
        raise SimulationInputError(f"{path}: timing: irf_tail_share = {film.timing.irf_tail_share:g} must be below 1")
