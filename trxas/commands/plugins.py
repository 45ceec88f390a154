"""`trxas plugins`: what other installed packages add, and which of these plug-ins cannot be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.entry_points import LoadResult, PlugInGroup, load_results, plug_ins
from trxas.commands.options import JsonFlag

if TYPE_CHECKING:
    from trxas.commands.trouble import Trouble

NOTHING = (
    "No installed package adds anything to trxas. See docs/how-to/bring-your-own-technique.md for how to make one."
)


@dataclass(frozen=True, kw_only=True)
class PluginsOptions:
    """Options of `trxas plugins`."""

    json: JsonFlag = False


def run(options: PluginsOptions) -> int:
    """List what other installed packages add: plans, run kinds, panels, campaigns.

    Each is loaded as a session or a window would load it. The exit code is 1 if one cannot be used; its message, with
    what to do, is printed.
    """
    found = loaded_plug_ins()
    if options.json:
        print(json.dumps([_facts(outcome) for outcome in found], indent=2))
    elif not found:
        print(NOTHING)
    else:
        _show(found)
    return 1 if any(outcome.problem for outcome in found) else 0


def loaded_plug_ins() -> list[LoadResult]:
    """Return the outcome of every plug-in, after every layer has loaded its group; without any, nothing is imported."""
    # A layer without plug-ins is not imported, which saves seconds.
    groups = {plug_in.group for plug_in in plug_ins()}
    if PlugInGroup.PLANS in groups:
        import plans  # noqa: F401  # its import loads the group
    if PlugInGroup.RUN_KINDS in groups:
        from reduction.kinds import run_kinds

        run_kinds()
    if PlugInGroup.PANELS in groups:
        from gui.panels.registry import panel_classes

        panel_classes()
    if PlugInGroup.CAMPAIGNS in groups:
        from trxas.validation.coverage.technique import campaigns

        campaigns()
    return load_results()


def plug_in_troubles() -> Iterator[Trouble]:
    """Yield a fault for every plug-in that cannot be used."""
    from trxas.commands.trouble import Trouble

    for outcome in loaded_plug_ins():
        if outcome.problem:
            yield Trouble(subject="plug-in", text=outcome.problem, remedy="A session runs without it.")


def _facts(outcome: LoadResult) -> dict[str, object]:
    plug_in = outcome.plug_in
    return {
        "package": plug_in.package,
        "version": plug_in.version,
        "group": plug_in.group,
        "name": plug_in.name,
        "target": plug_in.target,
        "brought": list(outcome.brought),
        "problem": outcome.problem,
    }


def _show(found: list[LoadResult]) -> None:
    from trxas.terminal.tables import print_table, table

    rows = [
        (f"{one.plug_in.package} {one.plug_in.version}", one.plug_in.group, one.plug_in.name,
         "cannot be used" if one.problem else ", ".join(one.brought) or "nothing")
        for one in found
    ]  # fmt: skip
    print_table(table(("package", "group", "entry point", "brings"), rows))
    for one in found:
        if one.problem:
            print(f"\n{one.problem}")
