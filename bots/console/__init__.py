"""The agents' console: the queue, a case with its customer, and what could not be read or delivered."""

from bots.console.app import Ports, routes

__all__ = ["Ports", "routes"]
