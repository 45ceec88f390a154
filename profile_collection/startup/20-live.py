"""What a scan shows while it runs, and its figure at the end."""

from trxas.prompt.figure_at_end import FigureAtEnd
from trxas.prompt.progress import LiveTable, ScanProgress

RE.subscribe(LiveTable())
RE.subscribe(ScanProgress())
RE.subscribe(FigureAtEnd(session.live, store.root / "figures"))
