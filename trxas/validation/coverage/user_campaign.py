"""Coverage of a user's own beamline and sample: hidden copies of the sample, measured as the user would."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from devices.configuration.toml_file import read_toml
from plans.edges import edge_preset
from plans.limits import fluence_limits
from reduction.xas.foil_alignment import ABOVE_EDGE_EV, BELOW_EDGE_EV
from trxas.configuration import load_configuration
from trxas.simulation import sample_file, sample_label
from trxas.validation.coverage.campaign import CoverageKind
from trxas.validation.coverage.sample_template import HiddenTruth, SampleTemplate, draw_hidden, read_template
from trxas.validation.coverage.user_measurement import LARGEST_SHIFT_EV, user_parameters

FLUENCE_MJ_CM2 = 7.0
"""Below the saturation of most samples: the fit takes what earlier pumps leave as proportional to their fluence."""

NOT_SIMULATED = ("axes", "devices")
"""Tables of a configuration whose devices the simulation does not serve."""


@contextlib.contextmanager
def user_kind(config: Path, sample: str) -> Iterator[CoverageKind]:
    """Yield the coverage of a sample, by name or file, on the beamline of `config`, at the sample's first edge.

    Raises ConfigurationError for a wrong configuration, InputError for a wrong sample, or an edge out of reach.
    """
    label = sample_label(sample)
    template = read_template(sample_file(sample), label.edges[0])
    with tempfile.TemporaryDirectory(prefix="trxas-beamline-") as folder:
        file = simulated_part(config, Path(folder))
        beamline = load_configuration(file).beamline
        low, high = fluence_limits(beamline)
        fluence = min(max(FLUENCE_MJ_CM2, low), high)
        energy_ev = edge_preset(template.edge, beamline).main_feature_ev
        yield CoverageKind(
            title=f"hidden copies of {label.name} at {beamline.name}",
            parameters=user_parameters(len(template.lifetimes_ps)),
            draw=draw_hidden,
            text=template.text,
            expected=lambda truth, _: expected_of(template, truth, energy_ev, fluence),
            job=_job(file, template, fluence),
        )


def simulated_part(config: Path, folder: Path) -> Path:
    """Return a configuration file that extends `config`, without the users' own axes and devices."""
    given = read_toml(config)
    omitted = [table for table in NOT_SIMULATED if table in given]
    file = folder / "simulated.toml"
    lines = [f"extends = {json.dumps(str(config.resolve()))}", f"omits = {json.dumps(omitted)}"]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def expected_of(
    template: SampleTemplate, truth: HiddenTruth, energy_ev: float, fluence_mj_cm2: float
) -> Mapping[str, float]:
    """Return the true value of every parameter: ps, relative to the unpumped signal, eV."""
    taus = {f"tau{number}": tau * truth.lifetime_factor for number, tau in enumerate(template.lifetimes_ps, 1)}
    return {
        **taus,
        "t0": truth.t0_ps,
        "response": truth.irf_sigma_ps,
        "amplitude": template.amplitude(truth, energy_ev, fluence_mj_cm2),
        "shift": truth.shift_ev,
    }


def _job(file: Path, template: SampleTemplate, fluence_mj_cm2: float) -> dict[str, Any]:
    edge_ev = float(template.content["edges"][template.edge]["edge_ev"])
    margin_ev = 2 * LARGEST_SHIFT_EV
    return {
        "config": str(file),
        "edge": template.edge,
        "edge_ev": round(edge_ev),
        "model": template.model.value,
        "lifetimes_ps": template.lifetimes_ps,
        "fluence_mj_cm2": fluence_mj_cm2,
        "parameters": user_parameters(len(template.lifetimes_ps)),
        "reference": template.reference(edge_ev - BELOW_EDGE_EV - margin_ev, edge_ev + ABOVE_EDGE_EV + margin_ev),
    }
