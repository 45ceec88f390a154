"""A campaign of the paper on a sample of which every truth is another one, stored in `tests/data/changed_campaign`.

`python -m tests.support.changed_campaign` measures it again, in some minutes: every section of `trxas paper` with the
beam time of the paper, in three passes instead of many. Images are left out, for their size.
"""

from __future__ import annotations

import functools
import json
import lzma
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from plans.types import AnyPlan
from storage.journal import done_folder
from storage.records import read_contents
from trxas.channel_access import environment as channel_access
from trxas.configuration import load_configuration
from trxas.session.session import Session, open_session
from trxas.simulation import sample_file, simulated_beamline
from trxas.validation.coverage.sample_template import toml_text
from trxas.validation.paper.campaign import chosen_sections, run_campaign
from trxas.validation.paper.progress import CampaignProgress
from trxas.validation.paper.section import PaperSection
from trxas.validation.paper.sections import SECTIONS
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.types import Documents

FOLDER = Path(__file__).parents[1] / "data" / "changed_campaign"
SAMPLE = FOLDER / "sample.toml"
UIDS = FOLDER / "measured.json"

WITHOUT = ("diffraction",)
"""Sections that need images."""

MEASURED = tuple(section for section in SECTIONS if section.name not in WITHOUT)

PASSES = 3
"""Passes of every scan: the fewest from which the boxcar's scatter between scans follows."""

THERMAL_DWELL_S = 6.0
SPEED = 1e5
SEED = 11


class ChangedRuns(StoredRuns):
    """The stored runs of the campaign; `names` are those of the sections that are reduced."""

    def __init__(self, uids: Mapping[str, str], cache: dict[tuple[str, str], Any]) -> None:
        super().__init__(None, uids, cache)  # type: ignore[arg-type]  # these runs are files, not in a store

    def documents(self, name: str) -> Documents:
        """Return the documents of a run in order."""
        return read_file(FOLDER / f"{self.uids(name)[0]}.journal.xz")


def read_file(path: Path) -> Documents:
    """Return the documents of a compressed journal."""
    with tempfile.NamedTemporaryFile() as plain:
        plain.write(lzma.decompress(path.read_bytes()))
        plain.flush()
        return read_contents(Path(plain.name)).documents


def stored_runs() -> dict[str, dict[str, str]]:
    """Return the uids of all runs by name, by the section that measured them."""
    return {name: dict(uids) for name, uids in json.loads(UIDS.read_text(encoding="utf-8")).items()}


def runs_of(section: PaperSection, cache: dict[tuple[str, str], Any]) -> ChangedRuns:
    """Return the runs of a section and of those that it needs; runs in the `cache` are not read again."""
    measured = stored_runs()
    names = [one.name for one in chosen_sections(SECTIONS, section.name)]
    return ChangedRuns({run: uid for name in names for run, uid in measured.get(name, {}).items()}, cache)


def changed_sample() -> str:
    """Return the sample file: lifetimes, fractions, energies, sizes and beamline differ from those of the paper."""
    content = tomllib.loads(sample_file(None).read_text(encoding="utf-8"))
    content["name"] = "sample with every truth changed"
    content["kinetics"] = {
        "tau1_ps": 180.0, "fraction1": 0.45, "tau2_ps": 1500.0, "fraction2": 0.25, "offset_lifetime_ns": 300.0,
    }  # fmt: skip
    content["beam"] |= {"time_zero_ps": -31.0, "irf_sigma_ps": 58.0, "backlash_ev": -0.3}
    for edge, shift_ev, scale in (("Br K", 0.4, 1.4), ("Pb L3", -0.5, 1.6)):
        table = content["edges"][edge]
        table["edge_ev"] += shift_ev
        table["static"] = [[center + shift_ev, fwhm, height] for center, fwhm, height in table["static"]]
        table["transient"] = [[center + shift_ev, fwhm, scale * height] for center, fwhm, height in table["transient"]]
    return toml_text(content)


def few_passes(plan: Callable[..., AnyPlan], *arguments: Any, **options: Any) -> AnyPlan:
    """Return the plan with the same beam time in `PASSES` passes, if it has more."""
    repeats = options.get("repeats", 1)
    if repeats > PASSES:
        options |= {"repeats": PASSES, "dwell_s": options["dwell_s"] * repeats / PASSES}
    if "images" in options:
        options |= {"images": 0, "dwell_s": THERMAL_DWELL_S}
    return plan(*arguments, **options)


def measure(folder: Path) -> None:
    """Measure the campaign with data under `folder`, and store its runs compressed in `FOLDER`."""
    FOLDER.mkdir(exist_ok=True)
    SAMPLE.write_text(changed_sample(), encoding="utf-8")
    progress = CampaignProgress(folder / "measured.json", resume=False)
    with simulated_beamline(seed=SEED, speed=SPEED, sample=str(SAMPLE)) as address_list:
        configuration = load_configuration(data=folder / "data", address_list=address_list)
        with open_session(configuration) as session:
            _shorten(session)
            results = run_campaign(session, MEASURED, progress, print)
    channel_access.silence()
    assert not [result.failure for result in results.values() if result.failure]
    for old in FOLDER.glob("*.journal.xz"):
        old.unlink()
    for uids in progress.measured.values():
        for uid in uids.values():
            (path,) = done_folder(folder / "data").glob(f"*{uid}.journal")
            (FOLDER / f"{uid}.journal.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    UIDS.write_text(json.dumps(progress.measured, indent=1) + "\n", encoding="utf-8")


def _shorten(session: Session) -> None:
    plans = session.plans
    session.plans = lambda: {  # type: ignore[method-assign]  # the sections know no other number of passes
        name: functools.partial(few_passes, plan) for name, plan in plans().items()
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        measure(Path(temporary))
