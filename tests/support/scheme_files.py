"""Configuration files with a shipped pump scheme, made as the schemes themselves tell a user to make them."""

from __future__ import annotations

from pathlib import Path

from trxas.configuration import DEFAULT_CONFIGURATION

SCHEMES = Path(__file__).parents[2] / "examples" / "pump_schemes"

FOLLOWING = (
    *("required_divider", "probes", "bunch_period_ps", "harmonic_number", "bunches"),
    *("pumped_probe", "unpumped_probe"),
)
"""Keys of the default configuration that follow from a scheme."""


FRAMES = ("spc_frame", "boxcar_frame")
"""Keys of the default configuration that a beamline with plain scalers lacks."""


def scaler_file(folder: Path, scheme: str, channels: list[list[int]]) -> Path:
    """Write the configuration of `scheme_file` with the gates on scaler channels, a row per photodiode."""
    text = scheme_file(folder, scheme).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.split(" = ")[0] not in FRAMES]
    kept = "\n".join(lines).replace("apds = 2", f"apds = {len(channels)}\nspc_channels = {channels}")
    before, _, after = kept.partition("[sdd]")
    path = folder / "scalers.toml"
    path.write_text(before + after[after.index("[pilatus]") :], encoding="utf-8")
    return path


def scheme_file(folder: Path, scheme: str) -> Path:
    """Write the default configuration with the scheme `scheme` (a file name without .toml) into `folder`."""
    lines = DEFAULT_CONFIGURATION.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split(" = ")[0] not in FOLLOWING]
    table = (SCHEMES / f"{scheme}.toml").read_text(encoding="utf-8")
    path = folder / "mine.toml"
    path.write_text("\n".join([*kept, table]), encoding="utf-8")
    return path
