"""`python -m bots demo`: John's story over real sockets, with the real bot and stand-ins for the outside alone."""

from bots.demo.story import demo

__all__ = ["demo"]
