"""The mean number of photons per pulse and channel that the detector registers at one place of the image."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from sim.physics.tplm.diffusion import diffusivity_cm2_s
from sim.physics.tplm.emission import decay_at
from sim.physics.tplm.image import NM2_PER_NS, TrappedMixture, offset_squared_nm2, share_at, start_variance_nm2
from sim.physics.tplm.response import fold, response_per_channel
from sim.physics.tplm.sample import Film
from sim.physics.tplm.setting import Setting, channels_of
from sim.types import ComplexArray, FloatArray

SUPPORT_NS = (6.0, 200.0)
"""Ends of the ranges, ns, with even and with logarithmic steps between the times at which the light is computed."""

SUPPORT_POINTS = (100, 60)
"""Numbers of these times; the light of all channels is interpolated between them."""


AFTERPULSE_NS = 300.0
"""Time in which the traps of the diode empty, ns (chosen: some 100 ns in thin silicon diodes)."""


@dataclass(frozen=True, kw_only=True)
class _Pulse:
    """Light per channel, the same at all places: of the last pulse, of the previous one, and of all others."""

    time_ns: FloatArray
    last: FloatArray
    before: FloatArray
    older: FloatArray
    response_spectrum: ComplexArray


def expected_per_pulse(film: Film, setting: Setting, *, x_um: float, y_um: float, elapsed_s: float) -> FloatArray:
    """Return the mean number of registered photons per laser pulse in each channel of one pump period, (channels,).

    `x_um` and `y_um` are the detector's place divided by the true magnification; `elapsed_s` is the time since the
    microscope was aligned, in which the image drifts. Dead time and pile-up are left to the draw.
    """
    channels = channels_of(setting, film.timing.bin_ps)
    background_hz = film.timing.dark_hz + film.timing.stray_hz + setting.ambient_hz
    per_channel = background_hz * film.timing.bin_ps * 1e-12
    if not setting.shutter_open or setting.power_nw == 0:
        return np.full(channels, per_channel)
    if setting.afterpulse_share:
        steady = replace(setting, afterpulse_share=0.0)
        seen = expected_per_pulse(film, steady, x_um=x_um, y_um=y_um, elapsed_s=elapsed_s)
        return seen + afterpulses(seen, setting)
    if setting.flood_hz:
        per_pulse = setting.flood_hz * 1e-6 / setting.repetition_rate_mhz
        dry = replace(setting, flood_hz=0.0)
        seen = expected_per_pulse(film, dry, x_um=x_um, y_um=y_um, elapsed_s=elapsed_s)
        return seen + per_pulse * response_per_channel(film.timing, channels, time_zero_ps(film, setting))
    offset2 = offset_squared_nm2(film.image, x_um, y_um, elapsed_s)
    if not setting.filters_in:
        return _scatter(film, setting, offset2) + per_channel
    # Dose and drift change with every exposure, place and all else only between maps: the decay is computed once.
    pulse = _pulse(film, replace(setting, dose_nw_s=0.0, ambient_hz=0.0, nd_od=0.0, defocus_um=0.0, vibration_nm=0.0))
    return photons_per_pulse(film, setting) * _light(film, setting, pulse, offset2) + per_channel


def afterpulses(seen: FloatArray, setting: Setting) -> FloatArray:
    """Return the mean afterpulses per channel, (channels,), of photons per channel `seen`."""
    # The pulse during which a photon arrives registers nothing more, so what follows falls into later periods, at
    # delays that have forgotten that of the photon: the traps of the diode empty exponentially over a period.
    delay_ns = np.arange(len(seen)) * (setting.period_ns / len(seen))
    shape = np.exp(-delay_ns / AFTERPULSE_NS)
    return np.asarray(setting.afterpulse_share * seen.sum() / shape.sum() * shape)


def photons_per_pulse(film: Film, setting: Setting) -> float:
    """Return the detected photons per pulse at the centre of an image that does not spread."""
    per_s = film.emission.counts_per_s_per_nw * setting.power_nw * 10**-setting.nd_od
    fading = np.exp(-film.emission.bleach_per_nw_s * setting.dose_nw_s)
    sharpness = start_variance_nm2(film.image, Setting(power_nw=1.0, repetition_rate_mhz=1.0))
    return float(
        per_s * fading * sharpness / start_variance_nm2(film.image, setting) * 1e-6 / setting.repetition_rate_mhz
    )


def time_zero_ps(film: Film, setting: Setting) -> float:
    """Return the delay, ps, at which an instantaneous pulse is registered: it depends on the source of the trigger."""
    inserted = film.timing.insertion_delay_ps if setting.external_trigger else 0.0
    period_ps = 1e3 * setting.period_ns
    return (film.timing.time_zero_ps + inserted + setting.offset_ps) % period_ps


def _scatter(film: Film, setting: Setting, offset2_nm2: float) -> FloatArray:
    start = start_variance_nm2(film.image, setting)
    per_pulse = (
        film.timing.scatter_hz_per_nw * setting.power_nw * 10**-setting.nd_od * 1e-6 / setting.repetition_rate_mhz
    )
    here = float(share_at(offset2_nm2, np.array([start]), start)[0])
    channels = channels_of(setting, film.timing.bin_ps)
    return per_pulse * here * response_per_channel(film.timing, channels, time_zero_ps(film, setting))


@functools.lru_cache(maxsize=8)
def _pulse(film: Film, setting: Setting) -> _Pulse:
    channels = channels_of(setting, film.timing.bin_ps)
    bin_ns = film.timing.bin_ps * 1e-3
    zero_ns = time_zero_ps(film, setting) * 1e-3
    middles: FloatArray = np.arange(channels, dtype=np.float64) * bin_ns + bin_ns / 2
    time_ns: FloatArray = (middles - zero_ns) % setting.period_ns
    decay = decay_at(film.emission, setting.power_nw)
    last = decay.at(time_ns) * bin_ns
    before = decay.of_earlier_pulses(time_ns, setting.period_ns, 1) * bin_ns
    older = decay.of_earlier_pulses(time_ns, setting.period_ns, 2) * bin_ns
    # The pulse arrives inside a channel: the part of it after the arrival has the first light, the part before has the
    # last of the pulse before.
    arrival = int(zero_ns / bin_ns) % channels
    lit = 1 - (zero_ns / bin_ns - int(zero_ns / bin_ns))
    time_ns[arrival] = lit * bin_ns / 2
    last[arrival] = lit * bin_ns * float(decay.at(time_ns[arrival : arrival + 1])[0])
    # Light of a channel arrives in its middle.
    response = response_per_channel(film.timing, channels, film.timing.bin_ps / 2)
    return _Pulse(
        time_ns=time_ns, last=last, before=before - older, older=older, response_spectrum=np.fft.rfft(response)
    )


def _light(film: Film, setting: Setting, pulse: _Pulse, offset2_nm2: float) -> FloatArray:
    """Return the light per channel at a place, with the response; its sum is 1 at the centre without any spreading."""
    # The light at a place is a mixture over trapping times that changes smoothly, so it is computed at some 160 times
    # and interpolated: a thousandth of the work for 25 000 channels. The steps of 0.06 ns while excitons are free keep
    # what chords of a convex curve add below 5e-5 of the light: more would show in maps at 100 nW.
    decay = decay_at(film.emission, setting.power_nw)
    mixture = TrappedMixture(decay)
    start = start_variance_nm2(film.image, setting)
    slope = 2 * diffusivity_cm2_s(film, setting) * NM2_PER_NS
    longest_ns = 2 * setting.period_ns
    even, logarithmic = SUPPORT_POINTS
    end_ns, last_ns = SUPPORT_NS
    grid_ns = np.concatenate(
        [np.linspace(0.0, end_ns, even, endpoint=False), np.geomspace(end_ns, max(longest_ns, last_ns), logarithmic)]
    )
    shares = share_at(offset2_nm2, start + slope * mixture.free_ns(grid_ns), start) @ mixture.weights
    here = np.interp(pulse.time_ns, grid_ns, shares)
    later = np.interp(pulse.time_ns + setting.period_ns, grid_ns, shares)
    return fold(pulse.last * here + pulse.before * later + pulse.older * shares[-1], pulse.response_spectrum)
