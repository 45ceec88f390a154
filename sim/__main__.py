"""Start the simulated beamline: `python -m sim`, which `trxas sim` runs."""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import io
import json
import math
import os
import pkgutil
import signal
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sim.ioc
from sim.errors import SimulationInputError
from sim.faults.kinds import effect_list, fault_list
from sim.faults.schedule import Schedule, load_faults
from sim.physics.constants import APDS
from sim.physics.pump_scheme import load_scheme
from sim.physics.sample import shipped_samples
from sim.physics.source import DEFAULT_SCHEME
from sim.restart import FIRST_START, Restart, parse_restart

if TYPE_CHECKING:
    from sim.ioc.experiment import Served, SimulatedExperiment
    from sim.physics.pump_scheme import PumpScheme

DEFAULT_EXPERIMENT = "xas"

EXPERIMENTS = {
    folder.name: f"sim.ioc.{folder.name}.experiment"
    for folder in sorted(pkgutil.iter_modules(sim.ioc.__path__), key=lambda folder: folder.name != DEFAULT_EXPERIMENT)
    if folder.ispkg and find_spec(f"sim.ioc.{folder.name}.experiment") is not None
}
"""Modules of the experiments that can be simulated, by name: each folder of `sim.ioc` with a module `experiment`."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted, and return the exit code: 0, or 2 for a wrong option or file.

    The message of an error goes to standard error; nothing is raised.
    """
    _spell_out_unusual_characters()
    options = _parser().parse_args(arguments)
    if options.list_effects:
        print(json.dumps(effect_list(), indent=1))
        return 0
    experiment = _experiment(options.experiment)
    if options.list_faults:
        print(json.dumps(fault_list(experiment.faults), indent=1))
        return 0
    try:
        file = experiment.sample_path(experiment.default_sample if options.sample is None else options.sample)
        sample = experiment.load_sample(file)
        if options.print_label:
            print(json.dumps(experiment.label(sample)))
            return 0
        if options.print_sample_file:
            print(file.resolve())
            return 0
        served = _built(experiment, sample, options)
        if options.list_pvs:
            from sim.ioc.channel_access.pv_list import pv_list

            print(pv_list(served.pvdb))
        else:
            _serve(served, options, arguments)
    except SimulationInputError as error:
        print(f"trxas sim: {error}", file=sys.stderr)
        return 2
    return 0


def _experiment(name: str) -> SimulatedExperiment:
    # Imported when it is chosen: one experiment needs nothing of the others.
    chosen: SimulatedExperiment = importlib.import_module(EXPERIMENTS[name]).EXPERIMENT
    return chosen


def _built(experiment: SimulatedExperiment, sample: Any, options: argparse.Namespace) -> Served:
    """Return the devices that the options describe; raises SimulationInputError for a wrong file or number."""
    faults = load_faults(options.faults, experiment.faults) if options.faults is not None else []
    from sim.ioc.experiment import BuildOptions
    from sim.ioc.records.further_axes import parse_axis

    restart: Restart = options.after_death
    return experiment.build(
        sample,
        BuildOptions(
            seed=options.seed,
            speed=options.speed,
            macro=options.macro,
            schedule=Schedule(faults=tuple(faults), running_s=restart.running_s),
            restarts=options.restarts + restart.number,
            scheme=_scheme(options),
            photodiodes=options.photodiodes,
            begin_hour=options.hour,
            public=options.public_names,
            axes=tuple(map(parse_axis, options.axis)),
            exposure_log=options.exposure_log,
        ),
    )


def _scheme(options: argparse.Namespace) -> PumpScheme:
    """Return bunches, pump and gates, in a ring of the given RF; raises SimulationInputError for a wrong file."""
    scheme = DEFAULT_SCHEME if options.scheme is None else load_scheme(options.scheme)
    return scheme if options.rf_mhz is None else scheme.at_rf(options.rf_mhz)


def _serve(served: Served, options: argparse.Namespace, arguments: list[str] | None) -> None:
    from sim.ioc.channel_access.server import PromptContext, ServerHooks, run_server
    from sim.ioc.channel_access.sockets import Address

    restart: Restart = options.after_death
    pvdb = served.pvdb
    ready = f"{len(pvdb)} records of '{served.title}' at {options.speed:g} x beam time"

    def announce(port: int) -> None:
        # A collection of garbage that examines all records takes 0.1 to 0.3 s, in which an exposure cannot end.
        gc.freeze()
        print(f"trxas sim ready: {ready}; EPICS_CA_ADDR_LIST={options.interface}:{port}", flush=True)

    def connect_faults(network: PromptContext) -> None:
        served.serve_through(network, functools.partial(restart.again, arguments, network.search_port))

    if options.stop_with_stdin:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    restart.wait()
    address = Address(interfaces=(options.interface,), port=options.port, other_port=restart.other_port)
    run_server(pvdb, address, hooks=ServerHooks(on_context=connect_faults, on_ready=announce, gate=served.safety))


def _spell_out_unusual_characters() -> None:
    """Let names of samples be printed on any terminal, where Python would raise UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _stop_with_stdin() -> None:
    """Send SIGTERM to this process once its standard input is closed, which happens when its parent is gone.

    The control side has the same rule in `processes/parent.py`; the simulation imports nothing of that side.
    """
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trxas sim", description="Serve the simulated beamline over Channel Access.")
    parser.add_argument("--macro", default="", help="prefix of every PV name")
    parser.add_argument(
        "--experiment",
        choices=list(EXPERIMENTS),
        default=DEFAULT_EXPERIMENT,
        help="what is simulated; by default the X-ray beamline",
    )
    parser.add_argument(
        "--sample",
        help=f"sample: {' or '.join(shipped_samples())}, or one of another experiment (a wrong name lists them); or "
        "the path of a sample file (TOML)",
    )
    parser.add_argument(
        "--print-label", action="store_true", help="print name and edges of the sample as JSON, and exit"
    )
    parser.add_argument(
        "--print-sample-file", action="store_true", help="print the path of the sample's file, and exit"
    )
    parser.add_argument("--scheme", type=Path, help="file with a table [pump_scheme]: bunches, pump and gates (TOML)")
    parser.add_argument(
        "--rf-mhz",
        type=_frequency,
        help="RF frequency of the ring in MHz; by default it follows from the circumference or the pump scheme",
    )
    parser.add_argument("--photodiodes", type=_photodiodes, default=APDS, help="number of photodiodes")
    parser.add_argument(
        "--axis",
        action="append",
        default=[],
        metavar="JSON",
        help="serve an axis of the user too: unit, low, high, and either motor, or setpoint and readback (and stop)",
    )
    parser.add_argument(
        "--public-names",
        action="store_true",
        help="serve only what the real beamline is known to serve; the laser is on",
    )
    parser.add_argument(
        "--hour", type=_hour, default=0.0, help="hour of the day at which beam time begins, for drifts with the day"
    )
    parser.add_argument("--seed", type=_seed, default=1, help="seed of all randomness")
    parser.add_argument("--speed", type=_speed, default=1.0, help="seconds of beam per second of wall time")
    parser.add_argument("--port", type=_port, default=5064, help="Channel Access port; 0 picks a free one")
    parser.add_argument("--interface", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--list-pvs", action="store_true", help="print all PVs as Markdown and exit")
    parser.add_argument("--list-faults", action="store_true", help="print all kinds of faults as JSON and exit")
    parser.add_argument("--list-effects", action="store_true", help="print all effects as JSON and exit")
    parser.add_argument("--faults", type=Path, help="faults and their times (TOML)")
    parser.add_argument(
        "--exposure-log", type=Path, help="write the truth about every exposure to this file (JSON lines)"
    )
    parser.add_argument(
        "--restarts", type=_seed, default=0, help="number of earlier starts: the same beamline, with different noise"
    )
    parser.add_argument("--after-death", type=parse_restart, default=FIRST_START, help=argparse.SUPPRESS)
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input is closed")
    return parser


def _hour(text: str) -> float:
    value = float(text)
    if not 0 <= value < 24:
        raise argparse.ArgumentTypeError("give an hour of the day from 0 to below 24")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 0")
    return value


def _frequency(text: str) -> float:
    value = float(text)
    if not 10.0 <= value <= 1000.0:
        raise argparse.ArgumentTypeError(f"{text} is not an RF frequency from 10 to 1000 MHz")
    return value


def _photodiodes(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 64:
        raise argparse.ArgumentTypeError(f"{text} is not a number of photodiodes from 1 to 64")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 0 to 65535")
    return value


def _speed(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
