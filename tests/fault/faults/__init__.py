"""The faults, one file per theme; each function is a row of the table in docs/faults.md."""

from tests.fault.faults import broker, clock, door, events, killed, one_machine, portals, slow, stops, stores

#: Imported so that their rows are known.
THEMES = (killed, stops, broker, stores, events, door, clock, slow, portals, one_machine)
