"""Measures the house from outside; `make bench` prints a table, writes JSON and compares with limits.json."""
