"""Measurements of Throughline: each is a command, prints one table, and names the goal of every row."""
