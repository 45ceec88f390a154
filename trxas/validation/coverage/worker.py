"""A process that measures a batch of samples, each on its own simulated beamline, over Channel Access.

The first line of standard input is the job, as JSON: `samples` (their `index`, `path`, `seed` and `hour`),
`measurements`, and `campaign`, which is empty for random samples, and otherwise what `user_measurement` needs, with the
`config` file.
Samples with `effects` are measured by `effect_measurement`, with these sizes.
Every measurement is a line of JSON on standard output. The process ends when its standard input is closed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from errors import TrxasError
from processes.parent import end_with_parent
from trxas.channel_access import environment as channel_access
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration
from trxas.simulation import simulated_beamline
from trxas.validation.coverage.ring import RF_MHZ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluesky import RunEngine

    from devices.beamline import Beamline

SPEED = 1e6
"""Seconds of beam per second of wall time: exposures and moves take almost no wall time."""

ANGLE_DRIFT = "EnergyDrift"
"""Effect of the simulation that moves the energy axis."""

CONNECT_S = 60.0
"""Wall time for a connection: the processes share the cores, so some answers are slow."""


def main() -> int:
    """Read the job, measure, and return the exit code."""
    job = json.loads(sys.stdin.readline())
    end_with_parent()
    with contextlib.ExitStack() as stack:
        # All simulations of the batch start before the first measurement, because libca reads its address list once: it
        # must hold the addresses of all. Each has PV names of its own, by its macro.
        campaign = job["campaign"]
        addresses = [stack.enter_context(beamline_of(sample, campaign)) for sample in job["samples"]]
        stack.callback(channel_access.silence)
        for sample in job["samples"]:
            _measure(sample, job["measurements"], " ".join(addresses), campaign)
    return 0


def beamline_of(sample: dict[str, Any], campaign: dict[str, Any]) -> contextlib.AbstractContextManager[str]:
    """Return the simulated beamline of a sample as the job describes it, as a context with its address list."""
    ring = load_configuration(_file(campaign)).simulation_options if campaign else ("--rf-mhz", str(RF_MHZ))
    # The first import of the plans takes as long as the start of the simulation.
    return simulated_beamline(
        options=(*ring, "--hour", str(sample["hour"])),
        seed=sample["seed"],
        speed=SPEED,
        sample=str(sample["path"]),
        macro=_macro(sample),
        meanwhile=lambda: importlib.import_module("trxas.validation.coverage.measurement"),
    )


def _file(campaign: dict[str, Any]) -> str:
    return str(campaign.get("config", DEFAULT_CONFIGURATION))


def _macro(sample: dict[str, Any]) -> str:
    return f"coverage{sample['index']}:"


def _measure(sample: dict[str, Any], measurements: int, address_list: str, campaign: dict[str, Any]) -> None:
    from trxas.validation.coverage.effect_measurement import EffectCampaign, set_effects
    from trxas.validation.coverage.measurement import PARAMETERS, Measurement, failed_measurement, measure_sample
    from trxas.validation.coverage.user_measurement import measure_user_sample

    def report(number: int, found: Measurement) -> None:
        line = {"sample": sample["index"], "measurement": number, **asdict(found)}
        print(json.dumps(line, allow_nan=False), flush=True)

    try:
        beamline, run_engine = _connect(sample, address_list, _file(campaign))
    except (TrxasError, TimeoutError) as error:
        for number in range(measurements):
            report(number, failed_measurement(campaign.get("parameters", PARAMETERS), str(error)))
        return
    for number in range(measurements):
        if sample["effects"]:
            set_effects(_macro(sample), sample["effects"])
            report(number, EffectCampaign(beamline, run_engine).measure())
        elif campaign:
            report(number, measure_user_sample(beamline, run_engine, campaign))
        else:
            report(number, measure_sample(beamline, run_engine, trusted_axis(_macro(sample))))


@contextlib.contextmanager
def trusted_axis(prefix: str) -> Iterator[None]:
    """Hold the Bragg angle where it was aligned, for the foil that defines the energy axis.

    Raises ConfigurationError if the simulation does not answer.
    """
    # At a random hour the angle has drifted by up to 0.03 eV before the first scan; a foil that is measured then would
    # be a reference that is wrong by this, and C by 1.7 errors. References come from an axis that is known.
    from trxas.validation.coverage.effect_measurement import set_effects

    set_effects(prefix, {ANGLE_DRIFT: 0.0})
    try:
        yield
    finally:
        set_effects(prefix, {ANGLE_DRIFT: 1.0})


def _connect(sample: dict[str, Any], address_list: str, file: str) -> tuple[Beamline, RunEngine]:
    from bluesky import RunEngine

    from devices.assembly import build_beamline

    configuration = load_configuration(file, address_list=address_list, prefix=_macro(sample))
    channel_access.prepare(configuration.beamline.epics)
    beamline = build_beamline(configuration.beamline)
    beamline.connect(CONNECT_S)
    for device in (beamline.cell, beamline.sample_stage, beamline.sdd):
        if device is not None:
            device.wait_for_connection(timeout=CONNECT_S)
    return beamline, RunEngine()


if __name__ == "__main__":
    sys.exit(main())
