"""The window of an application: docks, status items, and the forms of the plans."""
