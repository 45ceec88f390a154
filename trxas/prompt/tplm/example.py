"""The first measurement that a session on the microscope suggests."""

EXAMPLE = 'RE(tplm_map(1.0, 2.5, dwell_s=30, sample="OLA/OA"))'
