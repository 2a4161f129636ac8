"""All of Accord on one machine: PostgreSQL from its wheel, the databases, each service as a child process.

`python -m services` runs it. Nothing here is used where services are deployed one by one.
"""
