"""Records of an areaDetector: camera (Pilatus), HDF5 plugin and statistics plugin, as stock clients read them.

Names, choices and defaults follow the manuals of ADCore 3 and ADPilatus. A setting comes as a pair: the record and its
read-back `_RBV`. There are about 500 records, so they have no fields of a full record, which would take seconds to
build; the one field that stock clients read is served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caproto import ChannelType, SkipWrite
from caproto.server import PVGroup, pvproperty

from sim.physics.diffraction import COLUMNS, ROWS
from sim.types import Records

CAMERA_PORT = "PIL"

TEXT_LENGTH = 256
"""Characters of a path or a message (ADCore: MAX_FILENAME_LEN)."""

FULL_RECORDS = {"DataType_RBV": "mbbi"}
"""Records with fields: ophyd asks for DataType_RBV.DISA, whether the data type can be relied on."""

NO_YES = ["No", "Yes"]
DISABLE_ENABLE = ["Disable", "Enable"]
DATA_TYPES = ["Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Float32", "Float64"]
COLORS = ["Mono", "Bayer", "RGB1", "RGB2", "RGB3", "YUV444", "YUV422", "YUV421"]

Settings = Mapping[str, float | int | str | tuple[Sequence[str], str]]
"""Start values by name: a number, a short text, or (choices, the chosen one)."""


async def _write(group: Any, instance: Any, value: Any) -> Any:
    return await group.write_setting(instance.pvspec.name, value)


def _record(name: str, value: Any, kind: str, *, shown: bool, doc: str, long_text: bool = False) -> Any:
    """Return one record; `shown` ones are read-only, the others pass writes to their group."""
    # areaDetector has three sorts of strings: EPICS strings of 40 characters, long ones as character arrays, and
    # choices as enumerations. Clients rely on the sort, so the start value decides it; `long_text` makes a long one.
    access: Records = {"read_only": True} if shown else {"put": _write}
    options: Records = {"name": name, "doc": f"{kind}: {doc}", "record": FULL_RECORDS.get(name), **access}
    if long_text:
        return pvproperty(
            value=value, dtype=ChannelType.CHAR, max_length=TEXT_LENGTH, **options
        )  # fmt: skip
    if isinstance(value, tuple):
        choices, chosen = value
        return pvproperty(value=chosen, dtype=ChannelType.ENUM, enum_strings=list(choices), **options)
    return pvproperty(value=value, dtype=ChannelType.STRING if isinstance(value, str) else type(value), **options)


def pairs(kind: str, values: Settings, *, long_text: bool = False) -> Records:
    """Return settings with their read-backs, two records per setting, by their names."""
    made: Records = {}
    for name, value in values.items():
        made[name] = _record(name, value, kind, shown=False, doc=name, long_text=long_text)
        made[f"{name}_RBV"] = _record(
            f"{name}_RBV", value, kind, shown=True, doc=f"{name}, actual", long_text=long_text
        )
    return made


def plain(kind: str, values: Settings, *, long_text: bool = False) -> Records:
    """Return settings without a read-back, by their names."""
    return {
        name: _record(name, value, kind, shown=False, doc=name, long_text=long_text) for name, value in values.items()
    }


def shown(kind: str, values: Settings, *, long_text: bool = False) -> Records:
    """Return read-only records without a setting, by their names."""
    return {
        name: _record(name, value, kind, shown=True, doc=name.removesuffix("_RBV"), long_text=long_text)
        for name, value in values.items()
    }


def base_records(kind: str, port: str) -> Records:
    """Return the records that camera and plugins share (ADCore, asynNDArrayDriver)."""
    return {
        **pairs(kind, {"ArrayCounter": 0, "ArrayCallbacks": (DISABLE_ENABLE, "Enable")}),
        **plain(kind, {"AsynIO": 1, "PoolAllocBuffers": 0, "PoolFreeBuffers": 0, "PoolMaxBuffers": 0,
                       "PoolMaxMem": 0.0, "PoolUsedBuffers": 0, "PoolUsedMem": 0.0, "EmptyFreeList": 0,
                       "NumQueuedArrays": 0, "NDAttributesStatus": 0}),
        **plain(kind, {"NDAttributesFile": "none", "NDAttributesMacros": "none"}, long_text=True),
        **shown(kind, {"ArrayRate_RBV": 0.0, "PortName_RBV": port, "ADCoreVersion_RBV": "3.12.1",
                       "DriverVersion_RBV": "2.9.0", "ArraySize_RBV": 4 * ROWS * COLUMNS, "ArraySizeX_RBV": COLUMNS,
                       "ArraySizeY_RBV": ROWS, "ArraySizeZ_RBV": 0, "TimeStamp_RBV": 0.0, "UniqueId_RBV": 0,
                       "EpicsTSSec_RBV": 0, "EpicsTSNsec_RBV": 0, "BayerPattern_RBV": 0}),
        **pairs(kind, {"DataType": (DATA_TYPES, "Int32"), "ColorMode": (COLORS, "Mono"), "NDimensions": 2}),
    }  # fmt: skip


def camera_records() -> Records:
    """Return the records of ADPilatus over ADDriver."""
    kind = "Pilatus"
    return {
        **base_records(kind, CAMERA_PORT),
        **pairs(kind, {
            "Acquire": (["Done", "Acquire"], "Done"), "AcquireTime": 1.0, "AcquirePeriod": 1.003,
            "ImageMode": (["Single", "Multiple", "Continuous"], "Single"), "NumImages": 1, "NumExposures": 1,
            "TriggerMode": (["Internal", "Ext. Enable", "Ext. Trigger", "Mult. Trigger", "Alignment"], "Internal"),
            "BinX": 1, "BinY": 1, "MinX": 0, "MinY": 0, "SizeX": COLUMNS, "SizeY": ROWS, "ReverseX": (NO_YES, "No"),
            "ReverseY": (NO_YES, "No"), "FrameType": (["Normal", "Background", "FlatField"], "Normal"), "Gain": 1.0,
            "ShutterCloseDelay": 0.0, "ShutterOpenDelay": 0.0, "ShutterControl": (["Close", "Open"], "Close"),
            "ShutterMode": (["None", "EPICS PV", "Detector output"], "None"), "Temperature": 25.0, "DelayTime": 0.0,
            "FileFormat": (["TIFF"], "TIFF"), "GapFill": (["N.A.", "0", "-1"], "-1"), "MinFlatField": 100,
            "ThresholdAutoApply": (NO_YES, "Yes"), "ThresholdEnergy": 6.45,
        }),
        **plain(kind, {
            "ReadStatus": 0, "ShutterFanout": 0, "ShutterControlEPICS": 0, "ShutterOpenEPICS": 0,
            "ShutterCloseEPICS": 0, "TemperatureActual": 25.0, "Alpha": 0.0, "AngleIncr": 0.0, "Armed": 0, "BeamX": 0.0,
            "BeamY": 0.0, "Chi": 0.0, "Det2theta": 0.0, "DetDist": 241.0, "DetVOffset": 0.0, "EnergyHigh": 0.0,
            "EnergyLow": 0.0, "FilterTransm": 1.0, "FlatFieldValid": 0, "Flux": 0.0, "GainMenu": 0,
            "ImageFileTmot": 10.0, "Kappa": 0.0, "NumBadPixels": 0, "NumOscill": 0,
            "Phi": 0.0, "Polarization": 0.99, "StartAngle": 0.0,
            "ThresholdApply": 0, "Wavelength": 0.9611, "OscillAxis": "none", "CamserverAsyn": 1,
        }),
        **plain(kind, {"BadPixelFile": "none", "CbfTemplateFile": "none", "FlatFieldFile": "none",
                       "HeaderString": "none"}, long_text=True),
        **shown(kind, {
            "DetectorState_RBV": (["Idle", "Acquire", "Readout", "Correct", "Saving", "Aborting", "Error", "Waiting"],
                                  "Idle"),
            "Manufacturer_RBV": "Dectris", "Model_RBV": "Pilatus 100K", "MaxSizeX_RBV": COLUMNS, "MaxSizeY_RBV": ROWS,
            "NumExposuresCounter_RBV": 0, "NumImagesCounter_RBV": 0, "ShutterStatusEPICS_RBV": 0,
            "ShutterStatus_RBV": (["Closed", "Open"], "Open"), "TimeRemaining_RBV": 0.0, "Humid0_RBV": 5.0,
            "Humid1_RBV": 5.0, "Humid2_RBV": 5.0, "PixelCutOff_RBV": 1_048_575, "TVXVersion_RBV": "7.9.1",
            "Temp0_RBV": 25.0, "Temp1_RBV": 25.0, "Temp2_RBV": 25.0,
        }),
        **shown(kind, {"StatusMessage_RBV": "Idle", "StringFromServer_RBV": "7 OK", "StringToServer_RBV": "none"},
                long_text=True),
    }  # fmt: skip


def plugin_records(kind: str, port: str, plugin_type: str) -> Records:
    """Return the records that all plugins share (ADCore, NDPluginDriver)."""
    return {
        **base_records(kind, port),
        **pairs(kind, {
            "EnableCallbacks": (DISABLE_ENABLE, "Disable"), "BlockingCallbacks": (NO_YES, "No"), "DroppedArrays": 0,
            "MinCallbackTime": 0.0, "NDArrayAddress": 0, "NDArrayPort": CAMERA_PORT, "QueueSize": 20, "Dimensions": 0,
            "DisorderedArrays": 0, "DroppedOutputArrays": 0, "NumThreads": 1, "SortMode": (["Unsorted", "Sorted"],
            "Unsorted"), "SortSize": 20, "SortTime": 0.1, "MaxArrayRate": 0.0, "MaxByteRate": 0.0,
            **{f"Dim{n}SA": 0 for n in range(10)}, **{f"ArraySize{n}": size for n, size in enumerate(
                [COLUMNS, ROWS, *[0] * 8])},
        }),
        **plain(kind, {"QueueFree": 20, "QueueFreeLow": 5, "QueueUse": 0, "QueueUseHIGH": 0, "QueueUseHIHI": 0,
                       "ProcessPlugin": 0, "SortFree": 20, "SortFreeLow": 5, "MaxArrayRate_COUT": 0}),
        **shown(kind, {"PluginType_RBV": plugin_type, "ExecutionTime_RBV": "0.001", "MaxThreads_RBV": 5}),
    }  # fmt: skip


def hdf5_records() -> Records:
    """Return the records of NDFileHDF5 over NDPluginFile."""
    kind = "Pilatus HDF5"
    names = [*"XYN", *"3456789"]
    sizes = [*"XYN", *"3456789"]
    return {
        **plugin_records(kind, "HDF1", "NDFileHDF5"),
        **pairs(kind, {
            "AutoIncrement": (NO_YES, "Yes"), "AutoSave": (NO_YES, "No"), "Capture": (["Done", "Capture"], "Done"),
            "DeleteDriverFile": (NO_YES, "No"), "FileFormat": (["HDF5"], "HDF5"), "FileNumber": 0,
            "FileWriteMode": (["Single", "Capture", "Stream"], "Single"), "NumCapture": 1, "CreateDirectory": 0,
            "ReadFile": (["Done", "Read"], "Done"), "WriteFile": (["Done", "Write"], "Done"),
            "LazyOpen": (NO_YES, "No"), "BoundaryAlign": 0, "BoundaryThreshold": 1,
            "Compression": (["None", "N-bit", "szip", "zlib", "Blosc"], "None"), "DataBitsOffset": 0,
            "NumColChunks": COLUMNS, "NumRowChunks": ROWS, "NumFramesChunks": 1, "NumFramesFlush": 1,
            "NumDataBits": 8, "NumExtraDims": 0, "SZipNumPixels": 16, "ZLevel": 6, "StoreAttr": (NO_YES, "Yes"),
            "StorePerform": (NO_YES, "No"), "NDAttributeChunk": 0, "DimAttDatasets": (NO_YES, "No"), "FillValue": 0.0,
            "PositionMode": (["Off", "On"], "Off"), "SWMRMode": (["Off", "On"], "Off"), "BloscCompressor": 0,
            "BloscLevel": 5, "BloscShuffle": 0, "TempSuffix": "none", "XMLFileName": "none",
            **{f"ExtraDimSize{axis}": 1 for axis in sizes}, **{f"PosIndexDim{axis}": "none" for axis in sizes},
            **{f"PosNameDim{axis}": "none" for axis in sizes},
            **{f"ExtraDimChunk{axis}": 1 for axis in sizes if axis != "N"},
        }),
        # caproto refuses an empty long text, so these start with something.
        **pairs(kind, {"FilePath": "/tmp/", "FileName": "image", "FileTemplate": "%s%s_%6.6d.h5"},  # noqa: S108
                long_text=True),
        **plain(kind, {"FileNumber_Sync": 0, "FileNumber_write": 0, "IOSpeed": 0.0, "RunTime": 0.0,
                       "WriteStatus": (["Write OK", "Write error"], "Write OK")}),
        **plain(kind, {"WriteMessage": "No file yet"}, long_text=True),
        **shown(kind, {"FilePathExists_RBV": (NO_YES, "Yes"), "NumCaptured_RBV": 0, "XMLErrorMsg_RBV": "none",
                       "XMLValid_RBV": (NO_YES, "Yes"), "SWMRActive_RBV": (["Off", "Active"], "Off"),
                       "SWMRCbCounter_RBV": 0, "SWMRSupported_RBV": (["Not Supported", "Supported"], "Not Supported"),
                       **{f"ExtraDimName{axis}_RBV": "none" for axis in names}}),
        **shown(kind, {"FullFileName_RBV": "none"}, long_text=True),
    }  # fmt: skip


def statistics_records() -> Records:
    """Return the records of NDPluginStats that are computed: total, mean, extremes."""
    kind = "Pilatus statistics"
    return {
        **plugin_records(kind, "STATS1", "NDPluginStats"),
        **pairs(kind, {"ComputeStatistics": (NO_YES, "Yes")}),
        **shown(kind, {"Total_RBV": 0.0, "MeanValue_RBV": 0.0, "MinValue_RBV": 0.0, "MaxValue_RBV": 0.0,
                       "Sigma_RBV": 0.0}),
    }  # fmt: skip


class SettingsGroup(PVGroup):
    """Records whose settings show in their read-backs; a group acts on some of them by a method `put_NAME`.

    Such a method returns the value to store, or SkipWrite.
    """

    async def write_setting(self, name: str, value: Any) -> Any:
        """Carry out a write of a client and show it in the read-back; raises what the action of the setting raises."""
        act = getattr(self, f"put_{name}", None)
        if act is not None:
            value = await act(value)
        if value is not SkipWrite and hasattr(self, f"{name}_RBV"):
            await self.show(f"{name}_RBV", value)
        return value

    async def show(self, name: str, value: Any) -> None:
        """Post a read-back."""
        channel = getattr(self, name)
        if channel.value != value:
            await channel.write(value)

    async def settle(self, name: str, value: Any) -> None:
        """Post a setting that the server changed, with its read-back, without the action of the setting."""
        channel = getattr(self, name)
        await channel.write(value, verify_value=False)
        if hasattr(self, f"{name}_RBV"):
            await self.show(f"{name}_RBV", value)
