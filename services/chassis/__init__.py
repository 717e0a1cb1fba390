"""Mechanism that does not know what the house is for: settings, clock, database, delivery, web, identity, logs."""
