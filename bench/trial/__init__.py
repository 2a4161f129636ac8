"""Accord under load while its processes are killed: what clients were told against what is stored.

In the manner of Jepsen: clients keep a history of what they sent and what they were told; afterwards the history is
held against the API and the databases. Used by bench/kill.py and by the tests of faults.
"""
