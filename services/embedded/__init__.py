"""All of Accord on one machine: PostgreSQL from its wheel, the databases, each service as a child process.

`python -m services` runs it. Where services are deployed one by one, only `provision` is used.
"""
