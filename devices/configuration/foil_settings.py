"""Tables of reference foils: files with curves of metal foils on an energy axis that is trusted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.absorption_edges import absorption_edge
from devices.configuration.fields import SETTINGS, Fault, quantity, table_name, text
from devices.elements import ELEMENTS
from errors import InputError


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class FoilSettings:
    """One reference foil, `[foils.Pb]` or `[foils."Pb L3"]`: a transmission spectrum in XDI with energy, i0 and itrans.

    A table named by an element serves each of its edges that the file covers. `offset_ev` is added to the energies of
    the file, and `error_ev` is their standard error after that.
    """

    reference: Annotated[str, text("absolute path of the file, in XDI")]
    offset_ev: Annotated[float, quantity("offset added to the energies of the file", "eV", low=-20.0, high=20.0)] = 0.0
    error_ev: Annotated[
        float, quantity("standard error of the energies with that offset", "eV", above=0.0, high=100.0)
    ] = 0.5

    @property
    def path(self) -> Path:
        """Path of the file; `~` is the home folder."""
        return Path(self.reference).expanduser()

    def faults(self, table: str = "foils") -> Iterable[Fault]:
        """Yield a fault if the path of the table named `table` depends on the working folder."""
        if not self.path.is_absolute():
            yield Fault(table=table, key="reference", message=f"= {self.reference!r}: give an absolute path.")


def foil_faults(foils: Mapping[str, FoilSettings]) -> Iterable[Fault]:
    """Yield a fault for every table whose name is neither an element nor an edge."""
    for name in foils:
        if name in ELEMENTS:
            continue
        try:
            absorption_edge(name)
        except InputError as error:
            yield Fault(table=table_name("foils", name), key="", message=f"is neither an element nor an edge. {error}")
