"""Progress of a scan while it runs, and its figure at the end."""

from trxas.prompt.figure_at_end import FigureAtEnd
from trxas.prompt.precision_line import PrecisionLine
from trxas.prompt.progress import LiveTable, ScanProgress
from trxas.prompt.time_line import TimeLine
from trxas.results.measured_decays import MeasuredDecays
from trxas.session.subscriber import InOrder
from trxas.terminal.progress_line import log_above_line

log_above_line()
decays = MeasuredDecays(lambda: store)
times = TimeLine(lambda: RE.time_use.latest_s)
figures = FigureAtEnd(store.root / "figures", decays=decays)
RE.subscribe(InOrder(LiveTable(), ScanProgress(), PrecisionLine(), times, figures))
