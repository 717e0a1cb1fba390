"""The steps; importing this declares them in the order in which they run."""

from tests.deploy.cluster.steps import begin, bad_starts, ordinary, releases, keda  # noqa: I001 - the run's order

__all__ = ["bad_starts", "begin", "keda", "ordinary", "releases"]
