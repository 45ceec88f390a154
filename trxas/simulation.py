"""The simulated beamline as a child process, known only by its command line and its ready line."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import ConfigurationError, InputError
from processes.child import Child, ChildError, ChildProgram

READY = re.compile(r"EPICS_CA_ADDR_LIST=(\S+)")

LIST_TIMEOUT_S = 240.0
"""Longest wait for what the simulation prints about itself, s: its imports took more than a minute on busy cores."""


@dataclass(frozen=True, kw_only=True)
class FaultKind:
    """A kind of fault that the simulation can switch on.

    `switch`: name of the PV that switches it on. `wall_clock`: its durations are wall time, not beam time. `variants`:
    sets of parameters, by the last part of their PV names, of which a random schedule draws one.
    """

    name: str
    wall_clock: bool
    switch: str = ""
    variants: Sequence[Mapping[str, float | str]] = ({},)


def simulation_command(options: Sequence[str]) -> list[str]:
    """Return the command that serves a simulated beamline with the given options.

    Options are checked by the simulation itself, which then ends with a message and exit code 2.
    """
    return [sys.executable, "-m", "sim", *options]


def simulated_effects() -> list[str]:
    """Return the effects of which the simulation has sizes, by the last part of their PVs' names, in its order.

    The counting noise, which is not an effect, comes last. Raises ConfigurationError if the simulation does not answer.
    """
    return [entry["effect"] for entry in _listing("--list-effects")]


def simulated_faults(hardware: Sequence[str] = ()) -> list[FaultKind]:
    """Return the kinds of faults that the simulation with these options lists.

    Raises ConfigurationError if it does not answer.
    """
    return [
        FaultKind(
            name=entry["kind"], switch=entry["switch"], wall_clock=entry["wall_clock"], variants=entry["variants"]
        )
        for entry in _listing("--list-faults", *hardware)
    ]


def _listing(question: str, *options: str) -> list[dict[str, Any]]:
    """Return what the simulation lists as JSON; raises ConfigurationError if it does not answer."""
    try:
        listing = subprocess.run(  # noqa: S603  # our own interpreter and module
            simulation_command([question, *options]), check=True, capture_output=True, text=True, timeout=LIST_TIMEOUT_S
        ).stdout
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"The simulation does not answer {question}: {error}") from error
    found: list[dict[str, Any]] = json.loads(listing)
    return found


@dataclass(frozen=True, kw_only=True)
class SampleLabel:
    """The label of a sample's vial: its name and the absorption edges of its elements.

    Everything else about a simulated sample stays in the simulation, so that the analysis has to find it out.
    """

    name: str
    edges: tuple[str, ...]


def sample_label(sample: str) -> SampleLabel:
    """Return the label of a sample, given by the name of a shipped one or by a path.

    Raises InputError, with the shipped names, if there is no such sample or its file is wrong.
    """
    label = json.loads(_answer_about(sample, "--print-label"))
    return SampleLabel(name=label["name"], edges=tuple(label["edges"]))


def sample_file(sample: str | None, experiment: Sequence[str] = ()) -> Path:
    """Return the file of a sample, which holds its truth: for the validation, never for a session.

    None is the simulation's default sample; `experiment` are the options of another simulated experiment. Raises
    InputError, with the shipped names, if there is no such sample or its file is wrong.
    """
    return Path(_answer_about(sample, "--print-sample-file", experiment).strip())


def _answer_about(sample: str | None, question: str, experiment: Sequence[str] = ()) -> str:
    """Return what the simulation prints about a sample, by default about its own."""
    command = simulation_command([question, *experiment, *(() if sample is None else ("--sample", sample))])
    try:
        return subprocess.run(  # noqa: S603  # our own interpreter and module
            command, check=True, capture_output=True, text=True, timeout=LIST_TIMEOUT_S
        ).stdout
    except subprocess.CalledProcessError as error:
        raise InputError(f"--sample {sample}: {error.stderr.strip().removeprefix('trxas sim: ')}") from error
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(f"The simulation does not name its sample: {error}") from error


@contextlib.contextmanager
def simulated_beamline(
    *,
    seed: int = 1,
    speed: float = 1.0,
    sample: str | None = None,
    options: Sequence[str] = (),
    macro: str = "",
    restarts: int = 0,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """Run a simulated beamline on a free port for the time of the context, and yield its EPICS address list.

    `speed` is in seconds of beam per second of wall time. `sample` is the name of a shipped sample or the path of a
    sample file; `options` are further options of `trxas sim`, such as those of `Configuration.simulation_options` for
    ring and detectors. `restarts` is the number of its earlier starts: with another one, ring and gates are the same
    and the noise is independent. `meanwhile` is called while the simulation starts: a place for slow imports. The
    simulation ends with this process, however that ends. Raises ConfigurationError with its last output if it does not
    start.
    """
    arguments = ["--port", "0", "--seed", str(seed), "--speed", str(speed), "--macro", macro, "--stop-with-stdin"]
    if sample is not None:
        arguments += ["--sample", sample]
    arguments += options
    if restarts:
        arguments += ["--restarts", str(restarts)]
    program = ChildProgram(name="simulated beamline", command=simulation_command(arguments), ready=READY)
    # The child ends with this process, however that ends: it reads its standard input, which the kernel closes. So no
    # simulation is left behind by a killed session or test, with PVs that answer the next one.
    with Child(program) as simulation:
        meanwhile()
        try:
            ready = simulation.wait_ready()
        except ChildError as error:
            raise ConfigurationError(f"The simulated beamline did not start. {error}") from error
        assert ready is not None  # it has a ready line, or raises
        yield ready.group(1)
