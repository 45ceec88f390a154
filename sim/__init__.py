"""A beamline that is not there: physics with counting statistics, served over EPICS Channel Access."""
