"""EPICS records as stock clients know them: motor, scaler, areaDetector, and what all records share."""
