"""The rules of routing, pure: directory, judgement, look-alikes, clocks and the case."""
