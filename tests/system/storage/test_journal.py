"""If these fail, measured exposures are lost, or a run goes on unrecorded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from storage.journal import journal_paths
from storage.records import read_contents
from tests.support.waiting import COMMAND_S

if TYPE_CHECKING:
    pass

REPOSITORY = Path(__file__).parents[3]


def test_the_kernel_limit_on_file_size_is_a_storage_error(tmp_path: Path) -> None:
    """Lost: the message, if a real failing write is reported in another way than a simulated one."""
    script = (
        "import resource, signal, sys\n"
        "from storage.journal import Journal\n"
        "from errors import StorageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "journal = Journal(sys.argv[1])\n"
        "journal('start', {'uid': 'a', 'time': 0.0})\n"
        "try:\n"
        "    for i in range(100): journal('event', {'run_start': 'a', 'text': 'x' * 500})\n"
        "except StorageError as error: print(i, error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=True,
    )
    assert result.stdout.startswith("5 Journal")
    assert "File too large" in result.stdout
    contents = read_contents(journal_paths(tmp_path)[0])
    assert len(contents.documents) == 6
    assert not contents.is_torn
