"""If these fail, a slip in a table of an edge is found in the night, or not all slips at once."""

from __future__ import annotations

from typing import Any

import pytest

from devices.configuration import BeamlineConfiguration, EdgeSettings, beamline_from_table, read_toml
from errors import ConfigurationError
from trxas.configuration import DEFAULT_CONFIGURATION


def read(edges: dict[str, Any]) -> BeamlineConfiguration:
    table = read_toml(DEFAULT_CONFIGURATION)
    table.pop("storage")
    return beamline_from_table({**table, "edges": edges}, "own.toml")


def test_a_table_sets_its_keys_and_leaves_the_rest() -> None:
    found = read({"Fe K": {"main_feature_ev": 7125, "regions_ev": [[7100, 7150, 0.5]], "pre_edge_ev": [7100, 7110]}})
    expected = EdgeSettings(
        main_feature_ev=7_125.0, regions_ev=((7_100.0, 7_150.0, 0.5),), pre_edge_ev=(7_100.0, 7_110.0)
    )
    assert found.edges == {"Fe K": expected}


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("Fe K", {"feature_ev": 7125}, r'\[edges\."Fe K"\] feature_ev is an unknown key'),
        ("Fe K", {"main_feature_ev": 7.125}, "main_feature_ev = 7.125 eV: must be from 1000 up to 200000 eV"),
        ("Fe K", {"main_feature_ev": 3500}, "3500 eV: must be within 4000 to 20000 eV"),
        ("Fe K", {"main_feature_ev": float("nan")}, "must be finite"),
        ("Fe K", {"core_hole_ev": 0}, "core_hole_ev = 0 eV: must be from 0.05 up to 200 eV"),
        ("Fe K", {"regions_ev": [[7.1, 7.2, 0.001]]}, r"7\.1 eV: must be within.*looks like keV"),
        ("Fe K", {"regions_ev": []}, "regions_ev is empty"),
        ("Fe K", {"regions_ev": [[7100, 7200]]}, r"regions_ev \[7100, 7200\]: has the wrong form.*start, stop, step"),
        ("Fe K", {"regions_ev": 7100}, "regions_ev 7100: has the wrong form"),
        ("Fe K", {"regions_ev": [[7200, 7100, 1]]}, "start must be at least 0 and below stop"),
        ("Fe K", {"regions_ev": [[7100, 7150, 1], [7140, 7200, 2]]}, "starts below 7150 eV"),
        ("Fe K", {"regions_k": [[3, 10, 0]]}, "regions_k row .* 1/A: .* step above 0 1/A"),
        ("Fe K", {"pre_edge_ev": [7110, 7100]}, "pre_edge_ev = .*reversed"),
        ("Fe K", {"pre_edge_ev": [7000, 7200], "post_edge_ev": [7150, 7250]}, "must end below post_edge_ev"),
        ("Fe L", {}, r'\[edges\."Fe L"\] is not the name of an edge.*an L edge needs its number'),
        ("iron", {}, "is not the name of an edge"),
        ("U K", {}, "out of the monochromator's reach, 4000 to 20000 eV"),
    ],
)
def test_a_slip_in_a_table_names_table_key_range_and_remedy(name: str, table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read({name: table})


def test_all_slips_of_a_file_are_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read({"Fe K": {"feature_ev": 1}, "Cu K": {"core_hole_ev": -1}, "Fe L": {}, "Zn K": 3})
    text = str(caught.value)
    assert "4 faults" in text
    assert all(f'[edges."{name}"]' in text for name in ("Fe K", "Cu K", "Fe L", "Zn K"))
