"""Scans that a beamline wrote before trxas: EPICS scan files and SPEC files, turned into runs like any other."""
