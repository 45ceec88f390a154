"""What a scan shows while it runs, and its figure at the end."""

from trxas.prompt.figure_at_end import FigureAtEnd
from trxas.prompt.progress import LiveTable, ScanProgress
from trxas.results.measured_decays import MeasuredDecays
from trxas.session.subscriber import InOrder

decays = MeasuredDecays(lambda: store)
RE.subscribe(InOrder(LiveTable(), ScanProgress(), FigureAtEnd(store.root / "figures", decays=decays)))
