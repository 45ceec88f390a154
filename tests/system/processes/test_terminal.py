"""If these fail, closing a terminal late closes or reads another file of the same process, and that hangs elsewhere."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from processes.terminal import TerminalProcess
from tests.support.waiting import WAIT_S


def test_a_second_close_leaves_a_file_with_the_same_number_open() -> None:
    terminal = TerminalProcess([sys.executable, "-c", "input()"])
    terminal.close()
    files = os.pipe()
    terminal.close()
    for file in files:
        os.close(file)


def test_a_reader_leaves_a_file_with_the_same_number_alone() -> None:
    terminal = TerminalProcess([sys.executable, "-c", "print('shown', flush=True); input()"])
    output = terminal.output()
    assert "shown" in next(output)
    terminal.close()
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.write(write_end, b"of another reader")
    assert list(output) == []
    assert os.read(read_end, 100) == b"of another reader"
    os.close(read_end)
    os.close(write_end)


def test_a_closed_terminal_takes_no_keys_and_ends_its_reader() -> None:
    terminal = TerminalProcess([sys.executable, "-c", "input()"])
    reader = threading.Thread(target=lambda: list(terminal.output()))
    reader.start()
    terminal.close()
    reader.join(WAIT_S)
    assert not reader.is_alive()
    with pytest.raises(ValueError, match="closed"):
        terminal.type("exit\r")
