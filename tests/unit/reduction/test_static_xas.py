"""If these fail, static spectra are distorted by dead time, averaged wrongly, or have wrong error bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.energy_course import EnergyCourse
from reduction.xas.alignment import align
from reduction.xas.static_sums import joined_static
from reduction.xas.static_xas import accumulate_static, measured_points, static_spectrum
from tests.support.static_runs import static_run
from tests.support.static_spectra import ENERGY_EV, documents, edge, exact, spectrum


def test_errors_hold_what_the_rates_and_the_ion_chamber_counted() -> None:
    """Photons drawn one by one: arrived, analysed, in the window; and an ion chamber with as few counts.

    40 runs of 52 points: width of the pulls 0.016. Without the ion chamber's noise it would be 1.4; 4.5 sigma.
    """
    pulls = []
    for seed in range(40):
        rng, docs = np.random.default_rng(seed), documents(seed, counts_per_s=1e4, scans=1)
        for _, doc in docs[2:-1]:
            data = doc["data"]
            window = 1e4 * edge(np.array([ENERGY_EV[data["point_index"]]])) * np.ones(5)
            total = 1.5 * window + 2e4
            arrived = rng.poisson(total)
            analysed = rng.binomial(arrived, np.exp(-total * 5e-6))
            data |= {
                "i0": float(rng.poisson(4e4)),
                "sdd_counts": rng.binomial(analysed, window / total),
                "sdd_input_rate": arrived.astype(float),
                "sdd_output_rate": analysed.astype(float),
            }
        found = static_spectrum(accumulate_static(docs)).measured
        # The mean of 1 / i0 is larger than 1 / mean by 1 / i0.
        pulls.append((found.intensity - 5e4 * edge(ENERGY_EV) / 4e4 * (1 + 1 / 4e4)) / found.sigma)
    assert abs(np.std(pulls) - 1.0) < 4.5 * 0.016
    assert abs(np.mean(pulls)) < 4.5 * 0.022


def test_spectrum_is_scaled_by_its_edge_integral() -> None:
    found = spectrum(1)
    inside = (ENERGY_EV >= 13_466) & (ENERGY_EV <= 13_500)
    assert np.trapezoid(found.normalised.intensity[inside], found.normalised.energy_ev[inside]) == pytest.approx(1.0)
    assert found.normalised.intensity[ENERGY_EV <= 13_462].mean() == pytest.approx(0.0, abs=1e-15)
    assert found.temperature_c == pytest.approx(45.2)
    assert found.setpoint_c == 45.0
    assert (found.edge, found.sample, found.uid, found.scans) == ("Br K", "CsPbBr3", "t45", 2)


def test_pages_and_lists_give_the_same_and_bad_events_do_not_count() -> None:
    docs = documents(2)
    events = [doc["data"] for name, doc in docs if name == "event"]
    columns = {key: [np.asarray(data[key]).tolist() for data in events] for key in events[0]}
    page: tuple[str, dict[str, Any]] = (
        "event_page",
        {"descriptor": "d", "seq_num": list(range(len(events))), "data": columns},
    )
    bad = ("event", {"descriptor": "d", "data": events[3] | {"quality": "beam_lost", "i0": float("nan")}})
    other: list[tuple[str, dict[str, Any]]] = [
        ("descriptor", {"uid": "m", "name": "ring"}),
        ("event", {"descriptor": "m", "data": {"x": 1}}),
    ]
    paged = accumulate_static([*docs[:2], *other, page, bad, docs[-1]])
    assert paged.rejected == 1
    assert paged.exit_status == "success"
    assert np.array_equal(static_spectrum(paged).measured.intensity, spectrum(2).measured.intensity)


def test_unfinished_scan_has_its_measured_points_only() -> None:
    docs = documents(3, scans=1)
    del docs[2 + 20]
    assert static_spectrum(accumulate_static(docs)).measured.energy_ev.size == ENERGY_EV.size - 1


def test_idle_element_is_no_error() -> None:
    docs = documents(4)
    for name, doc in docs:
        if name == "event":
            for key in ("sdd_counts", "sdd_input_rate", "sdd_output_rate"):
                doc["data"][key] = doc["data"][key] * np.array([1, 1, 0, 1, 1])
    assert static_spectrum(accumulate_static(docs)).normalised.intensity == pytest.approx(exact(), abs=2e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sdd_output_rate": np.zeros(5)}, "deadtime is unknown"),
        ({"sdd_input_rate": np.ones(5)}, "deadtime is unknown"),
        ({"sdd_input_rate": np.ones(4)}, "differ in length"),
        ({"i0": 0.0}, "i0 not above 0"),
        ({"temperature_c": float("nan")}, "not finite"),
        ({"point_index": 99}, "outside the grid"),
    ],
)
def test_event_that_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    docs = documents(5)
    docs[2][1]["data"] |= change
    with pytest.raises(ReductionError, match=message):
        accumulate_static(docs)


def test_documents_of_something_else_are_refused() -> None:
    docs = documents(6)
    with pytest.raises(ReductionError, match="static_energy_scan"):
        accumulate_static([("start", docs[0][1] | {"plan_name": "energy_scan"})])
    with pytest.raises(ReductionError, match="missing: grid"):
        accumulate_static([("start", {k: v for k, v in docs[0][1].items() if k != "grid"})])
    with pytest.raises(ReductionError, match="pre_edge_ev"):
        accumulate_static([("start", docs[0][1] | {"reduction": {}})])
    with pytest.raises(ReductionError, match="before its descriptor"):
        accumulate_static([docs[0], docs[2]])
    with pytest.raises(ReductionError, match="no good exposure"):
        static_spectrum(accumulate_static(docs[:2]))
    del docs[2][1]["data"]["sdd_counts"]
    with pytest.raises(ReductionError, match="sdd_counts"):
        accumulate_static(docs)


def test_foil_scans_around_a_powder_spectrum_correct_its_energies_with_their_errors() -> None:
    """Lost: energies of the powder, by the drift of the monochromator between two foil scans, 0.4 eV here."""
    documents = static_run("drifted", 25.0)
    course = EnergyCourse(times_s=(1001.0, 1001.0 + ENERGY_EV.size), offset_ev=(0.0, 0.4), sigma_ev=(0.02, 0.03),
                          source="the first foil scan")  # fmt: skip
    start = {**documents[0][1], "energy_course": course.document}
    # The axis shows each energy too low by what the foils say at that time: those values belong 0 to 0.4 eV higher.
    drift_ev = course.weights([1001.0 + point for point in range(ENERGY_EV.size)]) @ course.offset_ev
    drifted = [one if one[0] != "event" else shown(one[1], float(drift_ev[one[1]["data"]["point_index"]]))
               for one in documents[1:]]  # fmt: skip
    true = [one if one[0] != "event" else shown(one[1], 0.0) for one in documents]
    window = (13_465.0, 13_477.0)
    right = static_spectrum(accumulate_static(true)).measured
    found = static_spectrum(accumulate_static([("start", start), *drifted]))
    as_measured = static_spectrum(accumulate_static([documents[0], *drifted])).measured
    assert abs(align(as_measured, right, window).shift_ev.value) > 0.06
    assert align(found.measured, right, window).shift_ev.value == pytest.approx(0.0, abs=0.01)
    assert found.energy_offset_ev is not None
    assert found.energy_offset_ev.value == pytest.approx(0.2, abs=0.01)
    assert found.measured.covariance[9, 11] > 0
    both = joined_static([accumulate_static([("start", start), *drifted])] * 2)
    assert measured_points(both).intensity == pytest.approx(found.measured.intensity)


def shown(event: dict[str, Any], higher_ev: float) -> tuple[str, dict[str, Any]]:
    """An event with the counts of five elements, without noise, at an energy that is higher than its read-back."""
    rate = 2e4 * (0.1 + 0.9 / (1.0 + np.exp(-(event["data"]["energy_ev"] + higher_ev - 13_470.0) / 1.5)))
    counts = {"sdd_counts": [rate] * 5, "sdd_input_rate": [2 * rate] * 5, "sdd_output_rate": [2 * rate] * 5}
    return "event", {**event, "data": {**event["data"], **counts}}
