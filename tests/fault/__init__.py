"""Faults against real processes and real servers, with a ledger as oracle: ``python -m tests.fault``."""
