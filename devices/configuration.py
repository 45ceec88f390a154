"""The beamline's configuration: PV names, limits and geometry, read from TOML into frozen dataclasses."""

from __future__ import annotations

import math
import tomllib
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from devices.quality_settings import HolderSettings, QualitySettings, SafetySettings, require
from errors import ConfigurationError

T = TypeVar("T")


@dataclass(frozen=True)
class EpicsSettings:
    """How to reach the control system.

    `address_list` becomes EPICS_CA_ADDR_LIST (hosts and ports separated by blanks); every PV name gets `prefix`
    put in front.
    """

    address_list: str = "127.0.0.1"
    prefix: str = ""
    connection_timeout_s: float = 5.0


@dataclass(frozen=True)
class EnergySettings:
    """Monochromator; PVs in keV, limits and tolerance in eV.

    A move down by more than `long_move_ev` goes `overshoot_ev` too far and comes back from below (`approach_from`
    "below"), or not ("direct"): left where a long move ends, the drive is off by 0.2 to 0.6 eV (paper, SI 8).
    """

    setpoint: str
    readback: str
    stop: str
    low_ev: float
    high_ev: float
    tolerance_ev: float = 0.05
    timeout_s: float = 120.0
    approach_from: str = "below"
    long_move_ev: float = 200.0
    overshoot_ev: float = 60.0

    def __post_init__(self) -> None:
        """Refuse limits that no energy lies between."""
        require(self.low_ev < self.high_ev, "low_ev must be below high_ev")
        require(min(self.tolerance_ev, self.timeout_s) > 0, "tolerance_ev and timeout_s must be above 0")


@dataclass(frozen=True)
class DelaySettings:
    """Coarse (seconds) and fine (picoseconds) laser delay.

    delay_ps = coarse_sign x coarse + fine_sign x fine - time_zero_raw_ps. The fine axis stays between `fine_low_ps` and
    `fine_low_ps + coarse_step_ps`: below 2560 ps the real one jumped by 40 ps.
    """

    coarse_setpoint: str
    coarse_readback: str
    fine_setpoint: str
    fine_readback: str
    time_zero_raw_ps: float
    low_ps: float
    high_ps: float
    coarse_sign: int = 1
    fine_sign: int = 1
    coarse_step_ps: float = 1000.0
    fine_low_ps: float = 3000.0
    tolerance_ps: float = 2.0
    timeout_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse signs and steps that make no axis."""
        require(self.low_ps < self.high_ps, "low_ps must be below high_ps")
        require({self.coarse_sign, self.fine_sign} <= {1, -1}, "coarse_sign and fine_sign must be 1 or -1")
        require(
            min(self.coarse_step_ps, self.tolerance_ps, self.timeout_s) > 0,
            "coarse_step_ps, tolerance_ps and timeout_s must be above 0",
        )


@dataclass(frozen=True)
class FluenceSettings:
    """Half-wave plate and polariser: fluence = maximum x sin^2(2 (angle - zero)); a motor record in degrees.

    The plate may turn from `angle_low_deg` to `angle_high_deg`; the laser spot on the sample (paper, SI 2) turns the
    power of a calibration into fluence.
    """

    waveplate: str
    maximum_mj_cm2: float
    zero_deg: float
    low_mj_cm2: float
    high_mj_cm2: float
    tolerance_mj_cm2: float = 0.01
    timeout_s: float = 30.0
    angle_low_deg: float = 0.0
    angle_high_deg: float = 50.0
    angle_tolerance_deg: float = 0.01
    spot_horizontal_um: float = 50.0
    spot_vertical_um: float = 45.0

    def __post_init__(self) -> None:
        """Refuse fluences that the plate cannot let through."""
        require(
            0 <= self.low_mj_cm2 < self.high_mj_cm2 <= self.maximum_mj_cm2,
            "low_mj_cm2, high_mj_cm2 and maximum_mj_cm2 must ascend from 0 on",
        )
        require(min(self.tolerance_mj_cm2, self.timeout_s) > 0, "tolerance_mj_cm2 and timeout_s must be above 0")


@dataclass(frozen=True)
class LaserSettings:
    """Laser status and shutter; the divider is the number of X-ray pulses per pump pulse."""

    rate_divider: str
    repetition_rate: str
    lock: str
    shutter: str
    shutter_readback: str
    power: str
    required_divider: int = 5
    shutter_timeout_s: float = 10.0


@dataclass(frozen=True)
class PointingSettings:
    """Last mirror of the pump: two motor records that move the laser spot, in um on the sample (names ours)."""

    horizontal: str = "7idd:m31"
    vertical: str = "7idd:m32"
    low_um: float = -200.0
    high_um: float = 200.0
    tolerance_um: float = 0.5
    timeout_s: float = 30.0


@dataclass(frozen=True)
class SurroundingsSettings:
    """Ring current (mA), X-ray shutter, jet flow (ml/min) and sample temperature (C).

    `injecting`, 1 while the ring is filled, and `xray_permit`, 1 when the X-ray shutter may be opened, may be empty.
    """

    ring_current: str
    xray_shutter: str
    xray_shutter_readback: str
    jet_flow: str
    jet_temperature: str
    ring_current_low_ma: float = 10.0
    jet_flow_low_ml_min: float = 100.0
    injecting: str = ""
    xray_permit: str = ""


@dataclass(frozen=True)
class ExposureSettings:
    """Master scaler and the frames of the detectors it gates.

    `i0_channel` and `foil_channel` are channel numbers of the master scaler; `boxcar_polarity` is -1 for a signal that
    goes negative with light. `margin_s` is what a trigger may take beyond its dwell.
    """

    scaler: str
    spc_scaler: str
    spc_frame: str
    boxcar_frame: str
    i0_channel: int = 2
    foil_channel: int = 3
    boxcar_polarity: int = -1
    apds: int = 2
    probes: int = 5
    dwell_low_s: float = 0.001
    dwell_high_s: float = 3600.0
    margin_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse shapes that the reduction does not know, and dwells that end before they begin."""
        require(self.boxcar_polarity in (1, -1), "boxcar_polarity must be 1 or -1")
        require(self.apds == 2, "apds must be 2: events and reduction hold two photodiodes")
        require(0 < self.dwell_low_s < self.dwell_high_s, "dwell_low_s and dwell_high_s must ascend from above 0")
        require(self.margin_s > 0, "margin_s must be above 0")


@dataclass(frozen=True)
class GeometrySettings:
    """What the reduction must know of beam and jet (paper, SI 2).

    `irf_sigma_ps`: instrument response; `laser_fwhm_um` and `jet_speed_m_s` say how fast a pumped spot leaves.
    """

    bunch_period_ps: float = 153_400.0
    pumped_probe: int = 0
    unpumped_probe: int = 4
    irf_sigma_ps: float = 45.0
    laser_fwhm_um: float = 45.0
    jet_speed_m_s: float = 4.0

    def __post_init__(self) -> None:
        """Refuse widths and periods that nothing has."""
        require(
            min(self.bunch_period_ps, self.irf_sigma_ps, self.laser_fwhm_um, self.jet_speed_m_s) > 0,
            "bunch_period_ps, irf_sigma_ps, laser_fwhm_um and jet_speed_m_s must be above 0",
        )


@dataclass(frozen=True)
class CellSettings:
    """Thermostated powder cell: temperature = offset_c + gain x raw reading, C; ramp in C per minute.

    Settled: within `tolerance_c` for `settle_s` seconds on end, by the clock on the wall, with the controller's
    `in_position` set. `poll_s` is how often that is looked at, `timeout_s` how long it may take.
    """

    setpoint: str
    ramp_rate: str
    heater: str
    thermocouple: str
    in_position: str
    sample_select: str
    sample_status: str
    offset_c: float = 0.0
    gain: float = 1.0
    low_c: float = 20.0
    high_c: float = 160.0
    ramp_c_min: float = 20.0
    tolerance_c: float = 0.5
    settle_s: float = 2.0
    poll_s: float = 0.1
    timeout_s: float = 1800.0


@dataclass(frozen=True)
class SddSettings:
    """Silicon drift detector: the PV of its frame, its elements, and the share of dead time above which it is bad."""

    frame: str
    elements: int = 5
    dead_fraction_high: float = 0.3


@dataclass(frozen=True)
class PilatusSettings:
    """Area detector: areaDetector prefix, folder for its files, exposure limits, geometry.

    An empty `folder` leaves the choice to the session. `offset_horizontal_m` is the way from the direct beam to the
    detector's near edge, `offset_vertical_m` that to its middle row; `margin_s` is what an image may take beyond its
    exposure.
    """

    prefix: str
    folder: str = ""
    exposure_low_s: float = 0.001
    exposure_high_s: float = 3600.0
    margin_s: float = 10.0
    connection_timeout_s: float = 5.0
    distance_m: float = 0.2410
    offset_horizontal_m: float = 0.0453
    offset_vertical_m: float = 0.0
    pixel_m: float = 172e-6
    rows: int = 195
    columns: int = 487


@dataclass(frozen=True)
class BeamlineConfiguration:
    """One beamline: a name and the settings of every device; those that may be None need no table."""

    name: str
    epics: EpicsSettings
    energy: EnergySettings
    delay: DelaySettings
    fluence: FluenceSettings
    laser: LaserSettings
    pointing: PointingSettings
    surroundings: SurroundingsSettings
    exposure: ExposureSettings
    geometry: GeometrySettings
    quality: QualitySettings = field(default_factory=QualitySettings)
    cell: CellSettings | None = None
    sdd: SddSettings | None = None
    pilatus: PilatusSettings | None = None
    safety: SafetySettings | None = None
    holder: HolderSettings | None = None

    def __post_init__(self) -> None:
        """Refuse gates that do not fit the pump: one per X-ray pulse between two pumps."""
        probes, geometry = self.exposure.probes, self.geometry
        require(self.laser.required_divider == probes, "laser.required_divider must equal exposure.probes")
        require(
            0 <= geometry.pumped_probe < geometry.unpumped_probe < probes,
            f"geometry: pumped_probe and unpumped_probe must ascend within 0 to {probes - 1}",
        )


def read_configuration(path: Path) -> dict[str, Any]:
    """Parse a TOML file; raises ConfigurationError naming the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"No configuration file {path}. Give one with --config or TRXAS_CONFIG.") from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"Cannot read configuration file {path}: {error}") from error


def settings_from(cls: type[T], table: dict[str, Any], where: str) -> T:
    """Build the dataclass `cls` from a TOML table, nested tables included.

    Raises ConfigurationError naming `where` and every missing, unknown or wrongly typed key.
    """
    hints = get_type_hints(cls)
    declared = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]  # cls is always a dataclass
    unknown = sorted(set(table) - set(declared))
    missing = sorted(
        name for name, field in declared.items() if name not in table and field.default is MISSING
        and not is_dataclass(hints[name])
    )  # fmt: skip
    if unknown or missing:
        raise ConfigurationError(f"{where}: missing keys {missing}, unknown keys {unknown}. Known: {sorted(declared)}.")
    values = {name: _value(hints[name], table.get(name, {}), f"{where}.{name}") for name in declared
              if name in table or is_dataclass(hints[name])}  # fmt: skip
    try:
        return cls(**values)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def _value(hint: Any, raw: Any, where: str) -> Any:
    hint = next((kind for kind in get_args(hint) if is_dataclass(kind)), hint)
    if is_dataclass(hint):
        if not isinstance(raw, dict):
            raise ConfigurationError(f"{where} = {raw!r}: expected a table.")
        return settings_from(hint, raw, where)  # type: ignore[arg-type]  # is_dataclass admits instances too
    if hint is float and isinstance(raw, int) and not isinstance(raw, bool):
        raw = float(raw)
    if type(raw) is not hint:
        raise ConfigurationError(f"{where} = {raw!r}: expected {hint.__name__}.")
    if hint is float and not math.isfinite(raw):
        raise ConfigurationError(f"{where} = {raw!r}: must be finite.")
    return raw
