"""The microscope as an experiment that `--experiment tplm` selects."""

from __future__ import annotations

from sim.ioc.experiment import BuildOptions, SimulatedExperiment
from sim.ioc.tplm.fault_kinds import TABLE
from sim.ioc.tplm.microscope import SimulatedMicroscope
from sim.physics.tplm.sample import DEFAULT_TPLM_SAMPLE, Film, film_path, load_film, shipped_films


def build(film: Film, options: BuildOptions) -> SimulatedMicroscope:
    """Return the microscope with `film`; raises SimulationInputError for a fault that it cannot have."""
    return SimulatedMicroscope(film, options)


EXPERIMENT = SimulatedExperiment(
    default_sample=DEFAULT_TPLM_SAMPLE.stem,
    shipped_samples=shipped_films,
    sample_path=film_path,
    load_sample=load_film,
    label=lambda film: {"name": film.name, "edges": []},
    build=build,
    faults=TABLE,
)
