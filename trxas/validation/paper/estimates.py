"""The part with estimates: photocarriers per nanocrystal and the lattice's rise in temperature (SI 6 and SI 8)."""

from __future__ import annotations

from reduction.values import Value
from reduction.xas.photophysics import photocarriers_per_nanocrystal, photons_per_m2, photothermal_rise_k
from trxas.validation.paper import published
from trxas.validation.paper.campaign import Part, PartResult, nothing_to_measure
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row

RUN = "br-100ps"


def _reduce(runs: StoredRuns) -> PartResult:
    """The paper's formulas with the fluence of this campaign; absorption and sample are the paper's."""
    value = float(runs.scan(RUN).mean_readback("fluence_mj_cm2").mean())
    attenuator = runs.documents(RUN)[0][1]["attenuator"]
    # The plate stands still; what is uncertain is the power that belongs to its angle.
    sigma = attenuator["maximum_sigma_mj_cm2"] or 0.0
    fluence = Value(value, value * sigma / attenuator["maximum_mj_cm2"])
    relative = Value(fluence.value / published.FLUENCE_MJ_CM2, fluence.sigma / published.FLUENCE_MJ_CM2)
    photons, absorbed = (
        relative.value * at_published for at_published in (published.ABSORBED_PHOTONS_PER_M2, published.ABSORBED_MJ_CM2)
    )
    carriers, rise = photocarriers_per_nanocrystal(photons), photothermal_rise_k(absorbed)
    uids = runs.uids(RUN)
    rows = (
        Row(
            "fluence",
            "mJ/cm2",
            published.FLUENCE_MJ_CM2,
            None,
            *fluence,
            uids,
            "error of the attenuator's calibration",
        ),
        Row(
            "photocarriers per nanocrystal",
            "",
            published.PHOTOCARRIERS,
            None,
            carriers,
            carriers * relative.sigma / relative.value,
            uids,
            f"F mu V = {photons:.3g} per m2 x 1.3e7 per m x 1e-24 m3, an upper limit",
        ),
        Row(
            "photothermal rise",
            "K",
            published.PHOTOTHERMAL_RISE_K,
            None,
            rise,
            rise * relative.sigma / relative.value,
            uids,
            f"{absorbed:.3g} mJ/cm2 x 0.41 / (5.8 mg/ml x 200 um x 215 mJ/g/K), an upper limit",
        ),
    )
    return PartResult(rows, notes=(_note(fluence.value, photons, absorbed),))


def _note(fluence_mj_cm2: float, photons: float, absorbed_mj_cm2: float) -> str:
    incident = photons_per_m2(fluence_mj_cm2)
    return (
        f"Both estimates scale the paper's absorbed photons and fluence to the {fluence_mj_cm2:.2f} mJ/cm2 of this "
        f"campaign, {incident:.3g} photons per m2 at 355 nm. On average over the jet {photons / incident:.0%} of these "
        f"reach a nanocrystal, and {absorbed_mj_cm2 / fluence_mj_cm2:.0%} of the fluence is absorbed (1.7 O.D.). The "
        "errors are those of the attenuator's calibration; size (10 +- 2 nm, a factor of two in volume), absorption "
        "coefficient and heat capacity are the paper's, which gives no errors for them."
    )


PART = Part("estimates", "photocarriers and photothermal rise", nothing_to_measure, _reduce, needs=(RUN,))
"""The part of this module."""
