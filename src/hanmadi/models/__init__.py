"""Networks: features in, logits out. One file per family; each registers what it offers.

A new architecture is one file in this folder that calls `register`; it is found by itself.
"""

from hanmadi.models.recipe import Recipe
from hanmadi.models.registry import Architecture, architecture, names, register

__all__ = ["Architecture", "Recipe", "architecture", "names", "register"]
