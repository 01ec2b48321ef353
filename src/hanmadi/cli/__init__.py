"""The command ``hanmadi``."""

from hanmadi.cli.commands import main, run

__all__ = ["main", "run"]
