"""Spectra of the emission: over power and repetition rate, and over temperature."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from devices.beamline import Beamline
from devices.tplm.reader import HistogramReader
from devices.tplm.spectrograph import Spectrograph
from errors import ConfigurationError
from plans.argument import Arg
from plans.choices import PointOrder, ShutterReference
from plans.engine.detection import Detection
from plans.engine.spec import ScanSpec
from plans.options import ReferencedOptions, shared_options
from plans.parameters import DwellS, Metadata, Repeats, Sample, Series
from plans.registry import scan_plan
from plans.tplm.alignment import TEMPERATURES_K
from plans.tplm.excitation_cuts import constant_fluence, constant_rate
from plans.tplm.histograms import TECHNIQUE, histograms, timing_of
from plans.tplm.map_points import Excitation
from plans.tplm.parameters import GROUP, PowersNw, RateMhz, RatesMhz, TemperatureK, TemperaturesK, limits_of, numbers
from plans.tplm.series import PerPulse

SPECTRUM_KEYS = ("technique", "excitation", "spectrograph")
"""Keys that spectra add to start documents."""

POWERS_NW = (0.5, 1.0, 2.5, 4.0, 5.0, 10.0, 20.0)
"""Powers of the paper's spectra at 2.5 MHz (Table S1)."""

RATES_MHZ = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0)
"""Rates of the spectra at a constant number of excitations per pulse (Fig. S5; rates chosen)."""

CentreNm = Annotated[float, Arg("wavelength in the middle of the camera", unit="nm", limits=limits_of("wavelength_nm"))]


@dataclass(frozen=True, kw_only=True)
class SpectrumOptions:
    """Options of every plan that takes spectra."""

    dwell_s: DwellS = 10.0
    centre_nm: CentreNm = 515.0
    repeats: Repeats = 1
    sample: Sample = ""
    series: Series = ""
    md: Metadata | None = None

    @property
    def scan(self) -> ReferencedOptions:
        """The same options as the engine takes them: every spectrum comes with one behind the closed shutter."""
        # The camera's bias and the light of the room are in both alike. Taken at every setting, the reference follows
        # whatever changes in the room.
        return ReferencedOptions(
            **shared_options(self, ReferencedOptions), order=PointOrder.UP, shutter_reference=ShutterReference.POINT
        )


def spectra(beamline: Beamline) -> Detection:
    """Return the detection by the spectrograph's camera; raise ConfigurationError for a beamline without one."""
    found = histograms(beamline)
    camera = camera_of(beamline)
    assert isinstance(found.reader, HistogramReader)  # that of a photon timing
    return Detection(
        modes=("spectrum",),
        reader=found.reader.with_camera(camera),
        devices=(*found.devices, camera),
        conditions=found.conditions,
        unpumped_probe=False,
    )


def camera_of(beamline: Beamline) -> Spectrograph:
    """Return the camera of the spectrograph; raise ConfigurationError unless the beamline has one."""
    found = [one for one in beamline.further_devices.values() if isinstance(one, Spectrograph)]
    if len(found) != 1:
        path = f"{Spectrograph.__module__}.{Spectrograph.__qualname__}"
        raise ConfigurationError(
            f"{beamline.configuration.name} has {len(found)} spectrographs, and spectra need one. Give one table "
            f"[devices.NAME] with class_path = {path!r}, as in trxas/tplm.toml."
        )
    return found[0]


spectrum_plan = functools.partial(scan_plan, group=GROUP, detection=spectra, own_keys=SPECTRUM_KEYS)
"""Shared registration of all plans of spectra, which differ in their `order` in lists of plans."""


@spectrum_plan(order=14)
def pl_spectrum_series(
    powers_nw: PowersNw = POWERS_NW,
    rate_mhz: RateMhz = 2.5,
    *,
    options: SpectrumOptions,
    temperature_k: TemperatureK | None = None,
) -> ScanSpec:
    """Take spectra at one repetition rate and several powers, each with one behind the closed laser shutter.

    `reduce(-1)` shows whether the light grows with the power, and whether its spectrum shifts or broadens (Fig. 1c).
    Returns the run's uid.
    """
    return _run(options, constant_rate(numbers(powers_nw, "powers_nw"), rate_mhz), temperature_k)


@spectrum_plan(order=15)
def pl_constant_fluence(
    rates_mhz: RatesMhz = RATES_MHZ,
    *,
    options: SpectrumOptions,
    per_pulse: PerPulse = 0.02,
    temperature_k: TemperatureK | None = None,
) -> ScanSpec:
    """Take spectra at one number of excitations per nanocrystal and pulse: the power follows the repetition rate.

    Each comes with one behind the closed laser shutter (Fig. S5). Returns the run's uid.
    """
    return _run(options, constant_fluence(per_pulse, numbers(rates_mhz, "rates_mhz")), temperature_k)


@spectrum_plan(order=16)
def pl_temperature_series(
    temperatures_k: TemperaturesK = TEMPERATURES_K,
    powers_nw: PowersNw = (1.0,),
    *,
    options: SpectrumOptions,
    rate_mhz: RateMhz = 2.5,
) -> list[ScanSpec]:
    """Take spectra at every temperature, in the order given, one run each; settled with the laser shutter closed.

    `combine` of the runs gives shift and width against temperature. Returns their uids in order.
    """
    cut = constant_rate(numbers(powers_nw, "powers_nw"), rate_mhz)
    return [_run(options, cut, kelvin) for kelvin in numbers(temperatures_k, "temperatures_k")]


def _run(options: SpectrumOptions, cut: Sequence[tuple[float, float]], temperature_k: float | None) -> ScanSpec:
    """Return the run of the spectra at pairs of power (nW) and repetition rate (MHz)."""
    first = Excitation(power_nw=cut[0][0], rate_mhz=cut[0][1], temperature_k=temperature_k, mirror_in=True)
    # The last axis is the one that displays show.
    varied = ("repetition_rate_mhz", "laser_power_nw")
    held = {name: value for name, value in first.axes.items() if name not in varied}
    return ScanSpec(
        settings=[dict(zip(varied, (rate, power), strict=True)) for power, rate in cut],
        fixed={**held, "wavelength_nm": options.centre_nm},
        metadata=_metadata,
        options=options.scan,
    )


def _metadata(beamline: Beamline) -> Mapping[str, Any]:
    return {
        "technique": TECHNIQUE,
        "excitation": timing_of(beamline).facts["excitation"],
        "spectrograph": camera_of(beamline).facts,
    }
