"""The help pages of all commands as one page of Markdown: `python -m trxas.commands.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer.main

from trxas.commands.main import application

WIDTH = 100
"""Characters per line of the help pages."""

HEADING = """# Commands

The help pages of `trxas`, made by `python -m trxas.commands.reference > docs/reference/command-line.md`.

- **Exit codes:** 0 success; 1 a check has failed (the command's page states which); 2 a wrong request or an error
  with a message, `trxas: ...`; 130 ended by Ctrl-C; 141 the reader of the output has closed the pipe.
- **Machines** read `--json`: `runs` and `doctor` print JSON instead of a table, other commands write it to a file.
- **Plain text:** no colours with `NO_COLOR`, and none in a pipe or a file. Characters that a terminal lacks are spelled
  out.
- **Completion** of commands and options: `trxas --install-completion`.
"""


def reference_page() -> str:
    """Return the page; the options of `trxas sim` belong to the simulation and are not in it."""
    top = typer.main.get_command(application(rich_help=False))
    pages = [f"## {name}\n\n```text\n{text}\n```\n" for name, text in _pages(top, "trxas", None)]
    return "\n".join([HEADING, *pages])


def _pages(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    # A fixed width, so that the page does not depend on the terminal on which it is made.
    context.terminal_width = context.max_content_width = WIDTH
    help_page = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield context.command_path, help_page
    for child, subcommand in getattr(command, "commands", {}).items():
        yield from _pages(subcommand, child, context)


if __name__ == "__main__":
    sys.stdout.write(reference_page())
