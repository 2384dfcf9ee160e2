"""Servers of ours that stand for outside services: real sockets, and as strict as the real ones."""
