"""If these fail, a technique needs a line in the import contracts, or one technique may import another."""

from __future__ import annotations

import grimp
import pytest

from tests.support.technique_layers import TechniqueLayers


def kept(*imports: tuple[str, str], layers: tuple[str, ...] = ("kinds", "* | single", "types")) -> bool:
    """Whether a folder with three techniques, one of them new, keeps the contract."""
    graph = grimp.ImportGraph()
    modules = ["kinds", "single", "types", "xas", "xas.fit", "powder", "powder.fit", "magnet", "magnet.kinds"]
    for module in ("reduction", *(f"reduction.{module}" for module in modules)):
        graph.add_module(module)
    for importer, imported in imports:
        graph.add_import(importer=f"reduction.{importer}", imported=f"reduction.{imported}")
    options = {"containers": ["reduction"], "layers": list(layers), "exhaustive": "True"}
    contract = TechniqueLayers(
        name="techniques", session_options={"root_packages": ["reduction"]}, contract_options=options
    )
    return contract.check(graph, verbose=False).kept


def test_a_new_technique_needs_no_line() -> None:
    assert kept(("magnet.kinds", "types"), ("kinds", "magnet.kinds"))


@pytest.mark.parametrize(
    "wrong",
    [("magnet.kinds", "xas.fit"), ("powder.fit", "magnet.kinds"), ("magnet.kinds", "kinds"), ("types", "magnet")],
)
def test_techniques_do_not_import_each_other_or_what_is_above(wrong: tuple[str, str]) -> None:
    assert not kept(wrong)


def test_a_new_module_that_is_no_package_still_has_to_be_placed() -> None:
    """Lost: the place of every module of the shared part in the order of imports."""
    assert not kept(layers=("kinds", "*", "types"))
