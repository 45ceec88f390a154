"""A contract for the layers of a folder in which every technique has a package of its own.

`*` in a layer stands for every package of the container that no other layer names: a technique that is added needs no
line in the contract, stands beside the others, and may not import them.
"""

from __future__ import annotations

from dataclasses import replace

import grimp
from importlinter.contracts.layers import Layer, LayersContract, ModuleTail
from importlinter.domain.contract import ContractCheck

EVERY_OTHER = ModuleTail("*")


class TechniqueLayers(LayersContract):
    """Layers of one container, with the further packages of the container in place of `*`."""

    type_name = "technique_layers"

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Replace `*` by the packages that the graph has, then check as usual."""
        (container,) = (str(one.expression) for one in self.containers)  # type: ignore[attr-defined]  # a field
        layers: list[Layer] = list(self.layers)  # type: ignore[call-overload]  # a field
        named = {tail.name for layer in layers for tail in layer.module_tails}
        children = graph.find_children(container)
        packages = {ModuleTail(child.rpartition(".")[2]) for child in children if graph.find_children(child)}
        others = {one for one in packages if one.name not in named}
        expanded = [
            replace(layer, module_tails=(layer.module_tails - {EVERY_OTHER}) | others)
            if EVERY_OTHER in layer.module_tails
            else layer
            for layer in layers
        ]
        self.layers = expanded  # type: ignore[assignment]  # the class declares a field, an object has its value
        return super().check(graph, verbose)
