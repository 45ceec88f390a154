"""Child processes that start with the large libraries already imported.

Importing the catalogue's libraries takes 5 to 6 s of processor time, and a simulated beamline 2 s; the tests start some
hundred processes of both kinds. One server imports the libraries once and forks each Python process that a test starts.
Such a process has its own pid, group, signals, files, environment and threads like any other: it is killed, waited for
and talked to through `subprocess.Popen` as before. It differs in two ways: modules of the preloaded libraries are there
before its first line, and `/proc` shows the server's command line.

Processes that these processes start, processes on a terminal and programs other than Python start from nothing, so the
ways that users take (the README's session, the demo's simulation, the servers of `trxas serve`) stay covered. With
TRXAS_COLD_STARTS set, as in `make coverage` and `make test-all`, all of them do.
"""
