"""Tests of the deployment: a ladder that needs no cluster, and a run on a real one."""
