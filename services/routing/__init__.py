"""Routing: the directory, the judgement, the case on its way, the desk, the staff."""
