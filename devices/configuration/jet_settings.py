"""The liquid in the beam: what weakens the fluorescence of the sample on its way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, quantity, text
from devices.elements import ELEMENTS, is_formula

Concentration = Annotated[float, Field(gt=0.0, le=20_000.0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class JetSettings:
    """Geometry of a flat jet and what it consists of, by which spectra are corrected for self-absorption.

    `incidence_deg` and `exit_deg` are the angles from the surface of the jet to the beam and to the photodiodes, which
    stand on the side of the beam. `concentrations_g_l`: mass of each absorbing element per volume, with a relative
    error `concentration_error`; without them, the diode behind the jet has to show the absorption.
    """

    thickness_um: Annotated[float, quantity("thickness of the jet", "um", above=0.0, high=10_000.0)]
    incidence_deg: Annotated[float, quantity("angle from the surface to the beam", "deg", above=0.0, high=90.0)] = 45.0
    exit_deg: Annotated[float, quantity("angle from the surface to the photodiodes", "deg", above=0.0, high=90.0)] = (
        45.0
    )
    solvent: Annotated[str, text("chemical formula of the solvent")] = "H2O"
    density_g_cm3: Annotated[float, quantity("density of the solvent", "g/cm3", above=0.0, high=20.0)] = 1.0
    concentrations_g_l: Annotated[
        Mapping[str, Concentration], Field(description="mass of each absorbing element per volume (g/l)")
    ] = field(default_factory=dict)
    concentration_error: Annotated[
        float, quantity("relative error of concentrations and thickness together", above=0.0, high=1.0)
    ] = 0.1

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for a solvent that is not a chemical formula, and for concentrations of unknown elements."""
        if not is_formula(self.solvent):
            yield Fault(
                table="jet", key="solvent", message=f"= {self.solvent!r}: is not a formula. Give one such as C7H8."
            )
        for element in self.concentrations_g_l:
            if element not in ELEMENTS:
                yield Fault(
                    table="jet",
                    key="concentrations_g_l",
                    message=f"names {element!r}, which is not an element. Give symbols such as Br.",
                )
