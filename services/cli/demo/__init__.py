"""The demonstration: real petitions through the whole house, from outside, over HTTP and AMQP only."""

from services.cli.demo.run import run_demo

__all__ = ["run_demo"]
