"""The section with estimates: photocarriers per nanocrystal and rise of the lattice temperature (SI 6 and SI 8)."""

from __future__ import annotations

from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.photophysics import photocarriers_per_nanocrystal, photons_per_m2, photothermal_rise_k
from trxas.validation.paper import published
from trxas.validation.paper.section import PaperSection, SectionResult, nothing_to_measure
from trxas.validation.paper.stored_runs import StoredRuns

RUN = "br-100ps"


def _reduce(runs: StoredRuns) -> SectionResult:
    """Apply the paper's formulas to the fluence of this campaign; absorption and sample are the paper's."""
    fluence = _fluence_mj_cm2(runs)
    scale = fluence.value / published.FLUENCE_MJ_CM2
    # The paper's absorbed numbers are proportional to the fluence, so one scale serves both.
    photons = scale * published.ABSORBED_PHOTONS_PER_M2
    absorbed_mj_cm2 = scale * published.ABSORBED_MJ_CM2
    # The calibration of the attenuator is the only error, so that all three have the same relative one.
    relative_error = fluence.sigma / fluence.value

    carriers = photocarriers_per_nanocrystal(photons)
    rise_k = photothermal_rise_k(absorbed_mj_cm2)
    values = (
        f"At a fluence of {with_error(fluence.value, fluence.sigma)} mJ/cm2, F mu V = {photons:.3g} per m2 x 1.3e7 "
        f"per m x 1e-24 m3 gives up to {with_error(carriers, carriers * relative_error)} photocarriers per "
        f"nanocrystal (the paper: about {published.PHOTOCARRIERS:g}), and {absorbed_mj_cm2:.3g} mJ/cm2 x 0.41 / "
        f"(5.8 mg/ml x 200 um x 215 mJ/g/K) a rise of up to {with_error(rise_k, rise_k * relative_error)} K (the "
        f"paper: {published.PHOTOTHERMAL_RISE_K:g} K). These are the paper's formulas at a fluence that was set, so "
        "they are not rows of the table."
    )
    return SectionResult(notes=(values, _note(fluence.value, photons, absorbed_mj_cm2)))


def _fluence_mj_cm2(runs: StoredRuns) -> Value:
    """Return the fluence read back; the wave plate stands still, so the error is that of its calibration."""
    value = float(runs.scan(RUN).mean_readback("fluence_mj_cm2").mean())
    attenuator = runs.documents(RUN)[0][1]["attenuator"]
    relative_error = (attenuator["maximum_sigma_mj_cm2"] or 0.0) / attenuator["maximum_mj_cm2"]
    return Value(value, value * relative_error)


def _note(fluence_mj_cm2: float, photons: float, absorbed_mj_cm2: float) -> str:
    incident = photons_per_m2(fluence_mj_cm2)
    return (
        f"Both estimates scale the paper's absorbed photons and fluence to the {fluence_mj_cm2:.2f} mJ/cm2 of this "
        f"campaign, {incident:.3g} photons per m2 at 355 nm. Averaged over the jet, {photons / incident:.0%} of these "
        f"reach a nanocrystal, and {absorbed_mj_cm2 / fluence_mj_cm2:.0%} of the fluence is absorbed (1.7 O.D.). The "
        "errors are those of the attenuator's calibration. Size (10 ± 2 nm, a factor of two in volume), absorption "
        "coefficient and heat capacity are taken from the paper, which gives no errors for them."
    )


SECTION = PaperSection(
    name="estimates",
    title="photocarriers and photothermal rise",
    measure=nothing_to_measure,
    reduce=_reduce,
    needs=(RUN,),
)
"""The section of this module."""
