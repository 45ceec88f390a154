"""Records of the camera behind the spectrograph: a Princeton Instruments camera as ADPICam and ADCore serve it.

Names, choices and defaults follow the manuals of ADCore 3 and ADPICam; of the many settings of a PICam, those that a
user of spectra needs are served.
"""

from __future__ import annotations

from sim.ioc.records.area_detector import NO_YES, base_records, pairs, plain, plugin_records, shown
from sim.physics.tplm.spectrum import COLUMNS, ROWS
from sim.types import Records

CAMERA_PORT = "PIXIS"

SIZES = {"ArraySizeX_RBV": COLUMNS, "ArraySizeY_RBV": 1, "ArraySize_RBV": 4 * COLUMNS}
"""Size of an image whose rows are all binned on the chip."""


def camera_records() -> Records:
    """Return the records of ADPICam over ADDriver."""
    kind = "Pixis"
    return {
        **base_records(kind, CAMERA_PORT),
        **shown(kind, SIZES),
        **pairs(kind, {
            "Acquire": (["Done", "Acquire"], "Done"), "AcquireTime": 1.0, "AcquirePeriod": 1.01,
            "ImageMode": (["Single", "Multiple", "Continuous"], "Single"), "NumImages": 1, "NumExposures": 1,
            "TriggerMode": (["Internal", "External"], "Internal"),
            "BinX": 1, "BinY": ROWS, "MinX": 0, "MinY": 0, "SizeX": COLUMNS, "SizeY": ROWS, "ReverseX": (NO_YES, "No"),
            "ReverseY": (NO_YES, "No"), "Gain": 1.0, "Temperature": -75.0,
            "ShutterMode": (["None", "EPICS PV", "Detector output"], "None"),
        }),
        **plain(kind, {"TemperatureActual": -75.0}),
        **shown(kind, {
            "DetectorState_RBV": (["Idle", "Acquire", "Readout", "Correct", "Saving", "Aborting", "Error", "Waiting"],
                                  "Idle"),
            "Manufacturer_RBV": "Princeton Instruments", "Model_RBV": "PIXIS: 100", "MaxSizeX_RBV": COLUMNS,
            "MaxSizeY_RBV": ROWS, "NumImagesCounter_RBV": 0, "TimeRemaining_RBV": 0.0,
        }),
        **shown(kind, {"StatusMessage_RBV": "Idle"}, long_text=True),
    }  # fmt: skip


def array_records() -> Records:
    """Return the records of NDPluginStdArrays except the array itself."""
    kind = "Pixis array"
    return {**plugin_records(kind, "Image1", "NDPluginStdArrays"), **shown(kind, SIZES)}
