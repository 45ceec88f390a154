"""If these fail, a scan of another element has the wrong grid, or a slip in an edge's name moves the monochromator."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

import plans
from devices.absorption_edges import absorption_edge, edges_between
from devices.configuration import BeamlineConfiguration, EdgeSettings
from errors import InputError, OutOfRangeError
from plans.edges import BR_K, PB_L3, check_belongs, check_reducible, edge_preset, fine_step_ev
from plans.energy_points import dwell_factors, edge_points
from plans.engine.spec import ScanSpec
from plans.engine.start_document import reduction_metadata
from plans.photoelectron import energy_of_k, k_of_energy
from plans.xas.foil_scan import foil_regions_ev
from tests.support.fake_beamline import FakeHardware, configuration
from tests.support.recorded_runs import RecordedRuns


def wide(**edges: EdgeSettings) -> BeamlineConfiguration:
    """A beamline from 4 to 20 keV, with tables of `edges`, "Fe_K" for "Fe K"."""
    narrow = configuration()
    energy = replace(narrow.energy, low_ev=4_000.0, high_ev=20_000.0)
    return replace(narrow, energy=energy, edges={name.replace("_", " "): one for name, one in edges.items()})


WIDE = wide()


def test_the_papers_edges_keep_their_grids_and_windows() -> None:
    """Runs of all versions have to agree: these numbers are in stored start documents."""
    assert edge_preset("Br K", WIDE) == BR_K
    assert edge_preset("Pb L3", WIDE) == PB_L3
    assert (len(edge_points(BR_K, None)), len(edge_points(PB_L3, None))) == (79, 72)
    assert (BR_K.main_feature_ev, PB_L3.main_feature_ev) == (13_472.0, 13_043.0)
    assert BR_K.pre_edge_ev == (13_450, 13_461)
    assert PB_L3.post_edge_ev == (13_105, 13_140)


def test_every_edge_within_reach_has_a_grid_that_can_be_reduced() -> None:
    reachable = [edge.name for edge in edges_between(4_060.0, 19_940.0)]
    assert len(reachable) > 100
    for name in reachable:
        edge = edge_preset(name, WIDE)
        points = edge_points(edge, None)
        assert points == sorted(set(points)), name
        assert 4_000 <= points[0] < points[-1] <= 20_000, name
        assert 40 < len(points) < 400, name
        check_reducible(edge, points, allow_unreducible=False)
        check_belongs(edge, points)
        assert points[0] < edge.main_feature_ev < points[-1], name


@pytest.mark.parametrize("name", ["Fe K", "Ti K", "Cu K", "Zr K", "W L3", "U L3"])
def test_xanes_is_measured_in_steps_below_the_core_hole_width(name: str) -> None:
    edge, metal = edge_preset(name, WIDE), absorption_edge(name)
    near = [point for point in edge_points(edge, None) if -20 <= point - metal.energy_ev <= 30]
    assert max(later - earlier for earlier, later in pairwise(near)) <= metal.core_hole_ev / 2


def test_exafs_is_equidistant_in_k() -> None:
    points = edge_points(edge_preset("Fe K", WIDE), None)
    k = [k_of_energy(point, 7_112.0) for point in points if point >= energy_of_k(4.0, 7_112.0)]
    assert k[-1] == pytest.approx(10.0, abs=1e-3)
    # Energies are rounded to 0.01 eV, at k = 4 a step of 0.1 is 3 eV.
    assert [later - earlier for earlier, later in pairwise(k)] == pytest.approx([0.1] * (len(k) - 1), abs=1e-3)


def test_a_grid_ends_before_the_elements_next_edge() -> None:
    """Cs L2 lies 347 eV above Cs L3: EXAFS to k = 10 would run into it."""
    assert edge_points(edge_preset("Cs L3", WIDE), None)[-1] < 5_359.0


@pytest.mark.parametrize(("core_hole_ev", "step_ev"), [(0.1, 0.1), (0.9, 0.25), (1.25, 0.5), (5.8, 2.0), (90.0, 5.0)])
def test_steps_are_round_and_at_most_half_a_core_hole(core_hole_ev: float, step_ev: float) -> None:
    assert fine_step_ev(core_hole_ev) == step_ev


def test_a_table_of_the_configuration_overrides_any_default() -> None:
    settings = EdgeSettings(
        regions_ev=((7_100.0, 7_150.0, 1.0),), regions_k=(), main_feature_ev=7_125.5, post_edge_ev=(7_140.0, 7_150.0)
    )
    edge = edge_preset("Fe K", wide(Fe_K=settings))
    default = edge_preset("Fe K", WIDE)
    assert edge_points(edge, None) == [float(point) for point in range(7_100, 7_151)]
    assert (edge.main_feature_ev, edge.post_edge_ev) == (7_125.5, (7_140.0, 7_150.0))
    assert edge.pre_edge_ev == default.pre_edge_ev


def test_a_configured_edge_energy_moves_the_whole_default() -> None:
    edge = edge_preset("Fe K", wide(Fe_K=EdgeSettings(edge_ev=7_120.0, core_hole_ev=4.0)))
    default = edge_preset("Fe K", WIDE)
    assert edge.main_feature_ev == default.main_feature_ev + 8
    assert edge.regions_ev[1] == (7_100.0, 7_150.0, 2.0)


def test_a_configured_interval_that_contradicts_a_default_is_refused() -> None:
    with pytest.raises(InputError, match=r'edges\."Fe K".*must end below post_edge_ev'):
        edge_preset("Fe K", wide(Fe_K=EdgeSettings(pre_edge_ev=(7_100.0, 7_170.0))))


def test_the_call_overrides_the_grid_in_ev_and_in_k() -> None:
    edge = edge_preset("Fe K", WIDE)
    assert edge_points(edge, [(7_110, 7_112, 1)]) == [7_110, 7_111, 7_112]
    only_k = edge_points(edge, None, [(5.0, 6.0, 0.5)])
    assert only_k[-3:] == [energy_of_k(k, 7_112.0) for k in (5.0, 5.5, 6.0)]
    assert only_k[0] == 7_012.0
    both = edge_points(edge, [(7_100, 7_140, 10)], [(3.0, 4.0, 1.0)])
    assert both == [7_100, 7_110, 7_120, 7_130, 7_140, energy_of_k(3.0, 7_112.0), energy_of_k(4.0, 7_112.0)]
    assert edge_points(BR_K, None, [(6.0, 7.0, 1.0)])[-1] == energy_of_k(7.0, 13_474.0)


@pytest.mark.parametrize(
    ("regions_ev", "regions_k", "message"),
    [
        ([(7_100, 7_200, 10)], [(2.0, 4.0, 0.1)], "below 7200 eV where regions_ev ends"),
        (None, [(0.0, 4.0, 0.1)], "k must start above 0"),
        (None, [(4.0, 3.0, 0.1)], "reversed"),
        (None, [(4.0, 5.0)], "three finite numbers"),
        (None, 4.0, "list of regions"),
    ],
)
def test_regions_in_k_that_make_no_grid_are_refused(regions_ev: Any, regions_k: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edge_points(edge_preset("Fe K", WIDE), regions_ev, regions_k)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Fe", "'Fe': an element alone is not an edge.*'Fe K'"),
        ("Pb L", "an L edge needs its number.*'Pb L1'.*'Pb L2'.*'Pb L3'"),
        ("fe k", "Did you mean 'Fe K'"),
        ("FeK", "Did you mean 'Fe K'"),
        ("Pt LIII", "Did you mean 'Pt L3'"),
        ("Fe K-edge", "Did you mean 'Fe K'"),
        ("Pb M5", "only K and L edges"),
        ("Xx K", "no element 'Xx'"),
        ("iron", "'Br K', 'Pb L3' or 'Fe K'"),
        (7_112, "is a number.*Near 7112 eV are 'Fe K'"),
        (7.112, r"Near 7\.112 keV are 'Fe K'"),
        (None, "give the name of an edge"),
        ("Fe L3", "out of the monochromator's reach: edges from 12860 to 13640 eV"),
        ("U K", r"U K \(115606 eV\) is out of the monochromator's reach"),
        ("Mo K", r"Mo K \(20000 eV\) is out of"),
    ],
)
def test_a_slip_in_an_edge_is_explained_before_anything_moves(name: Any, message: str) -> None:
    with RecordedRuns(None) as recorded:
        with pytest.raises(InputError, match=message):
            recorded.run(plans.energy_scan(recorded.line, name, delay_ps=100.0))
        recorded.assert_untouched()


@pytest.mark.parametrize(
    "options", [{"regions_ev": [(7.0, 7.1, 0.001)]}, {"regions_ev": [(7.0, 7_100.0, 1.0)]}], ids=["all", "one end"]
)
def test_an_energy_in_kev_is_recognised(options: dict[str, Any]) -> None:
    with pytest.raises(OutOfRangeError, match=r"7 eV is outside 4000 to 20000 eV.*looks like keV: give eV, 7000"):
        plans.energy_scan.entry.specs(WIDE, edge="Fe K", delay_ps=100.0, **options)


def test_energies_of_another_edge_are_refused_with_its_name() -> None:
    with pytest.raises(InputError, match="belongs to Fe K, not to Br K"):
        plans.delay_scan.entry.specs(WIDE, edge="Br K", energy_ev=7_125.0)
    with pytest.raises(InputError, match="belongs to Br K, not to Fe K"):
        plans.delay_scan.entry.specs(WIDE, edge="Fe K", energy_ev=13_472.0)


def test_every_plan_takes_any_edge() -> None:
    needed: dict[str, dict[str, Any]] = {
        "energy_scan": {"delay_ps": 100.0},
        "delay_scan": {},
        "fluence_scan": {},
        "time_zero_scan": {},
        "overlap_scan": {"direction": "vertical"},
        "delay_self_test": {},
        "static_energy_scan": {},
        "foil_scan": {},
    }
    for name, options in needed.items():
        runs = plans.PLANS[name].entry.specs(WIDE, edge="Fe K", **options)
        one = next(iter(runs.values())) if isinstance(runs, dict) else runs
        assert not isinstance(one, list)
        assert one.edge is not None
        assert one.edge.absorber == "Fe"


def test_the_foil_of_lead_has_the_grid_it_always_had() -> None:
    assert foil_regions_ev("Pb L3") == ((12_995, 13_015, 5), (13_015, 13_055, 0.5), (13_055, 13_095, 5))
    assert foil_regions_ev("Fe K")[1] == (7_092.0, 7_132.0, 0.5)


def test_the_dwell_grows_with_k_as_asked_for() -> None:
    edge = edge_preset("Fe K", WIDE)
    points = edge_points(edge, None)
    assert dwell_factors(edge, points, 0.0, None, None) == ()
    factors = dwell_factors(edge, points, 2.0, None, None)
    assert factors[0] == factors[100] == 1.0
    assert factors[-1] == pytest.approx((10 / 4) ** 2, rel=1e-3)
    assert list(factors) == sorted(factors)
    with pytest.raises(InputError, match="no regions in k"):
        dwell_factors(BR_K, edge_points(BR_K, None), 1.0, None, None)


def test_exposures_last_as_long_as_the_grid_states_and_are_forecast() -> None:
    with RecordedRuns(None) as recorded:
        options = {"regions_ev": [(13_455, 13_460, 5)], "regions_k": [(3.0, 6.0, 1.0)], "dwell_power": 1.0}
        recorded.run(
            plans.energy_scan(recorded.line, "Br K", delay_ps=100.0, dwell_s=3.0, allow_unreducible=True, **options)
        )
        expected = [3.0, 3.0, 3.0, 4.0, 5.0, 6.0]
        assert recorded.starts[0]["dwell_s"] == 3.0
        assert recorded.starts[0]["grid"]["dwell_s"] == expected
        assert recorded.moved("dwell") == expected[2:], "set only where it changes"
        spec = plans.energy_scan.entry.specs(
            recorded.line.configuration, edge="Br K", delay_ps=100.0, dwell_s=3.0, allow_unreducible=True, **options
        )
        assert isinstance(spec, ScanSpec)
        assert spec.mean_dwell_s == pytest.approx(sum(expected) / 6, rel=1e-3)


def test_a_dwell_that_grows_beyond_the_limit_is_refused() -> None:
    with RecordedRuns(None) as recorded:
        with pytest.raises(OutOfRangeError, match=r"dwell_s = 600\S* s is outside"):
            recorded.run(
                plans.energy_scan(
                    recorded.line, "Br K", delay_ps=100.0, dwell_s=300.0, regions_k=[(3.0, 6.0, 1.0)], dwell_power=1.0
                )
            )
        recorded.assert_untouched()


def test_start_documents_tell_the_main_feature() -> None:
    assert reduction_metadata(BR_K, FakeHardware().beamline)["main_feature_ev"] == 13_472.0


def test_regions_of_a_grid_count_for_as_long_as_they_are_worth() -> None:
    """Lost: beam time at energies where nothing changes, or the points at the border of two regions."""
    with RecordedRuns(None) as recorded:
        options: dict[str, Any] = {"regions_ev": [(13_455, 13_460, 5), (13_460, 13_466, 2)], "allow_unreducible": True}
        recorded.run(
            plans.energy_scan(recorded.line, "Br K", delay_ps=100.0, dwell_s=2.0, dwell_factors=[0.5, 3], **options)
        )
        assert recorded.starts[0]["grid"]["dwell_s"] == [1.0, 1.0, 6.0, 6.0, 6.0]
        recorded.run(
            plans.delay_scan(
                recorded.line, "Br K", delays_ps=[-100.0, 0.0, 100.0], dwell_s=1.0, dwell_factors=[1, 2, 3]
            )
        )
        assert recorded.starts[1]["grid"]["dwell_s"] == [1.0, 2.0, 3.0]


def test_factors_that_fit_neither_regions_nor_points_are_refused() -> None:
    with pytest.raises(InputError, match=r"has 2 numbers\. Give 4, one for each region, or 79, one for each point"):
        plans.energy_scan.entry.specs(WIDE, edge="Br K", delay_ps=100.0, dwell_factors=[1, 2])
    with pytest.raises(InputError, match="with until_sigma"):
        plans.delay_scan.entry.specs(WIDE, edge="Br K", dwell_factors=[1.0] * 35, until="tau1", until_sigma=10.0)
    with pytest.raises(InputError, match="with dwell_power"):
        plans.energy_scan.entry.specs(WIDE, edge="Fe K", delay_ps=100.0, dwell_factors=[1] * 4, dwell_power=1.0)
