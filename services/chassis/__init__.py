"""Mechanism, with not one word about petitions: settings, clock, database, delivery, web, identity, telemetry."""
