"""Processes and wiring: the only place that knows everything and reads the environment."""
