"""The command line: `trxas COMMAND`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from errors import TrxasError
from processes.loopback import bypass_proxies
from processes.parent import end_with_parent
from trxas.commands import (
    alerts,
    bench,
    chaos,
    coverage,
    demo,
    doctor,
    export,
    gui,
    import_past,
    ipython,
    kills,
    measure,
    paper,
    plugins,
    runs,
    serve,
    sim,
    soak,
    watch,
)
from trxas.commands.options import command_of
from trxas.terminal.encoding import make_output_safe
from trxas.terminal.tables import is_fancy

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class Commands(TyperGroup):
    """All commands. Ends a command that fails with one message instead of a traceback, and with trxas's exit codes."""

    def invoke(self, ctx: Any) -> int:
        """Run a command; return its exit code.

        Done here, because typer turns a broken pipe and Ctrl-C into exit codes of its own before `main` sees them.
        """
        try:
            # The order of the exits. A broken pipe is not an error of the command: its reader has seen enough. A
            # TrxasError is a message to the user, with the exit code of a wrong request. Ctrl-C has its own code, so
            # that scripts can tell it from a failure. Anything else is a defect, and keeps its traceback.
            code = int(super().invoke(ctx))
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader, for instance `head`, has closed the pipe; what is left in the buffer has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_BROKEN_PIPE
        except TrxasError as error:
            return _refuse(str(error))
        except KeyboardInterrupt:
            print("trxas: interrupted", file=sys.stderr)
            return EXIT_INTERRUPTED
        return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a wrong command line or a TrxasError gives one message and 2."""
    # Before anything is printed or connected: a Latin-1 terminal must not end a command in the middle of a table, and
    # no connection on loopback may go through a proxy of the environment.
    make_output_safe()
    bypass_proxies()
    try:
        code: int = application(rich_help=is_fancy())(
            args=None if arguments is None else list(arguments), prog_name="trxas", standalone_mode=False
        )
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = "trxas" if context is None else context.command_path
        return _refuse(f"{_explanation(error)}. `{command} --help` explains the command.")
    return int(code or 0)


def application(*, rich_help: bool) -> typer.Typer:
    """Return all commands; with `rich_help` the help pages have colours and frames."""
    style: Any = {"rich_markup_mode": "rich" if rich_help else None}
    settings: Any = {**style, "context_settings": HELP_OPTIONS, "pretty_exceptions_enable": False}
    top = typer.Typer(cls=Commands, name="trxas", help=_SUMMARY, callback=_all_commands, **settings)
    stored = typer.Typer(help="List, show, note, check and repair stored runs.", **settings)
    stored.command("list")(command_of(runs.run_list, runs.ListOptions))
    # A negative number is a run, not an option.
    negative_numbers = {**HELP_OPTIONS, "ignore_unknown_options": True}
    stored.command("show", context_settings=negative_numbers)(command_of(runs.run_show, runs.ShowOptions))
    stored.command("note", context_settings=negative_numbers)(command_of(runs.run_note, runs.NoteOptions))
    stored.command("check")(command_of(runs.run_check, runs.CheckOptions))
    top.command("demo")(command_of(demo.run, demo.DemoOptions))
    top.command("sim", add_help_option=False, context_settings=sim.PASS_ON)(sim.run)
    top.command("ipython")(command_of(ipython.run, ipython.IPythonOptions))
    top.command("measure", context_settings=negative_numbers)(command_of(measure.run, measure.MeasureOptions))
    top.command("serve")(command_of(serve.run, serve.ServeCommandOptions))
    top.command("gui")(command_of(gui.run, gui.GuiOptions))
    top.command("watch")(command_of(watch.run, watch.WatchOptions))
    top.command("doctor")(command_of(doctor.run, doctor.DoctorOptions))
    top.command("plugins")(command_of(plugins.run, plugins.PluginsOptions))
    top.add_typer(stored, name="runs")
    outside = typer.Typer(help="Alerts by mail, webhook or command.", callback=_group, **settings)
    outside.command("test")(command_of(alerts.run_test, alerts.AlertTestOptions))
    top.add_typer(outside, name="alerts")
    top.command("export", context_settings=negative_numbers)(command_of(export.run, export.ExportOptions))
    top.command("import")(command_of(import_past.run, import_past.ImportOptions))
    top.command("bundle")(command_of(export.run_bundle, export.BundleOptions))
    top.command("paper")(command_of(paper.run, paper.PaperOptions))
    top.command("coverage")(command_of(coverage.run, coverage.CoverageOptions))
    top.command("chaos")(command_of(chaos.run, chaos.ChaosOptions))
    top.command("kills")(command_of(kills.run, kills.KillsOptions))
    top.command("soak")(command_of(soak.run, soak.SoakOptions))
    top.command("bench")(command_of(bench.run, bench.BenchOptions))
    return top


_SUMMARY = "Run a laser-pump / X-ray-probe absorption experiment, on a real or a simulated beamline."


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # typer's signature
    if wanted:
        print(f"trxas {metadata.version('trxas')}")
        raise typer.Exit


def _all_commands(
    *,
    stop_with_stdin: Annotated[bool, typer.Option("--stop-with-stdin", hidden=True)] = False,
    version: Annotated[  # noqa: ARG001  # done by its callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    # For programs that start trxas as a part of themselves.
    if stop_with_stdin:
        end_with_parent()


def _group() -> None:
    """Keep a group of one command a group: typer would take its only command for the group itself."""


def _explanation(error: typer.TyperException) -> str:
    """Return the fault of a command line, with the wrong value if there is one, without a final full stop."""
    invalid = error.__cause__
    parameter = getattr(error, "param", None)
    if not isinstance(invalid, ValidationError) or parameter is None:
        return error.format_message().rstrip(".")
    first = invalid.errors()[0]
    # "Input should be a valid integer, unable to parse string as an integer"
    rule = first["msg"].partition(",")[0].removeprefix("Input ")
    option = parameter.get_error_hint().replace("'", "")
    return f"{option}: {first['input']!s} {rule}"


def _refuse(message: str) -> int:
    print(f"trxas: {message}", file=sys.stderr)
    return EXIT_ERROR


if __name__ == "__main__":
    sys.exit(main())
