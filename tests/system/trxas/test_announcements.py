"""Files in the data folder that tell where servers and sessions listen.

If these fail, a window talks to a process that is gone, or does not find the one that is there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trxas.announcements.life_lock import HeldLockError, LifeLock, holder_of, is_held


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "life.lock"
    code = (
        "import sys; from pathlib import Path; from trxas.announcements.life_lock import LifeLock; "
        "lock = LifeLock(Path(sys.argv[1]), 'the other'); print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert holder_of(path) == "the other"
        with pytest.raises(HeldLockError, match="the other"):
            LifeLock(path, "this one")
    finally:
        process.kill()
        process.communicate()
    assert not is_held(path)
    LifeLock(path, "this one").release(remove=True)
    assert not path.exists()
