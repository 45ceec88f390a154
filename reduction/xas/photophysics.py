"""Number of carriers per pump, and the heating of the lattice (paper, SI 6 and SI 8)."""

from __future__ import annotations

from errors import ReductionError

PLANCK_J_S = 6.62607015e-34
LIGHT_M_S = 299_792_458.0


def photons_per_m2(fluence_mj_cm2: float, wavelength_nm: float = 355.0) -> float:
    """Return the photons per square metre of a laser pulse; raises ReductionError unless both values are above 0."""
    _require_positive(fluence_mj_cm2=fluence_mj_cm2, wavelength_nm=wavelength_nm)
    # 1 mJ/cm2 is 10 J/m2.
    photon_j = PLANCK_J_S * LIGHT_M_S / (wavelength_nm * 1e-9)
    return fluence_mj_cm2 * 10.0 / photon_j


def photocarriers_per_nanocrystal(
    absorbed_photons_per_m2: float = 7.6e19, absorption_per_m: float = 1.3e7, volume_m3: float = 1e-24
) -> float:
    """Return N = F mu V, carriers per nanocrystal (SI 6); the defaults are the paper's, about 1000.

    F: absorbed pump photons per area without scattering; mu: absorption coefficient of the nanocrystals at the pump
    wavelength; V: their volume, 10 nm cubed. An upper limit. Raises ReductionError unless all are above 0.
    """
    _require_positive(
        absorbed_photons_per_m2=absorbed_photons_per_m2, absorption_per_m=absorption_per_m, volume_m3=volume_m3
    )
    return absorbed_photons_per_m2 * absorption_per_m * volume_m3


def photothermal_rise_k(
    absorbed_fluence_mj_cm2: float = 7.15,
    heat_fraction: float = 0.41,
    concentration_mg_ml: float = 5.8,
    thickness_um: float = 200.0,
    heat_capacity_mj_g_k: float = 215.0,
) -> float:
    """Return dT = F_abs a / (c d cp), kelvin (SI 8); the defaults are the paper's, about 120 K.

    F_abs: absorbed fluence; a: fraction of it that becomes heat; c: concentration of the nanocrystals in the jet; d:
    thickness of the jet; cp: heat capacity of CsPbBr3. An upper limit: no heat leaves the nanocrystals. Raises
    ReductionError unless all are above 0.
    """
    _require_positive(
        absorbed_fluence_mj_cm2=absorbed_fluence_mj_cm2,
        heat_fraction=heat_fraction,
        concentration_mg_ml=concentration_mg_ml,
        thickness_um=thickness_um,
        heat_capacity_mj_g_k=heat_capacity_mj_g_k,
    )
    grams_per_cm2 = concentration_mg_ml * 1e-3 * thickness_um * 1e-4
    return absorbed_fluence_mj_cm2 * heat_fraction / (grams_per_cm2 * heat_capacity_mj_g_k)


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ReductionError(f"{name} = {value:g} must be above 0. Correct the value.")
