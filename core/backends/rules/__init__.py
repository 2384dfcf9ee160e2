"""The offline writer. Its words are in the .toml files of this folder."""

from core.backends.rules.writer import RulesWriter

__all__ = ["RulesWriter"]
