"""The X-ray beamline as an experiment: the one that is simulated without `--experiment`."""

from __future__ import annotations

from sim.faults.kinds import BEAMLINE
from sim.ioc.experiment import BuildOptions, SimulatedExperiment
from sim.ioc.xas.beamline import SimulatedBeamline
from sim.ioc.xas.exposure_log import ExposureLog
from sim.physics.sample import DEFAULT_SAMPLE, Sample, sample_path, shipped_samples
from sim.physics.sample_file import load_sample


def build(sample: Sample, options: BuildOptions) -> SimulatedBeamline:
    """Return the beamline with `sample`; raises SimulationInputError for a fault on something that it lacks."""
    beamline = SimulatedBeamline(sample, options)
    beamline.add_axes(options.axes)
    if options.exposure_log is not None:
        beamline.acquisition.exposure_log = ExposureLog(options.exposure_log)
    return beamline


EXPERIMENT = SimulatedExperiment(
    default_sample=DEFAULT_SAMPLE.stem,
    shipped_samples=shipped_samples,
    sample_path=sample_path,
    load_sample=load_sample,
    label=lambda sample: {"name": sample.name, "edges": list(sample.edges)},
    build=build,
    faults=BEAMLINE,
)
