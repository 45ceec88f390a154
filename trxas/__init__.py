"""The front door of trxas: configuration, session assembly, command line."""
