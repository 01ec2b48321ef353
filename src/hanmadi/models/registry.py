"""The registry of architectures: a name, the features it sees, how it is trained."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hanmadi.errors import MissingExtraError, ModelError
from hanmadi.features import FeatureConfig
from hanmadi.models.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """A network by name: how it is built, the features it sees, how it is trained."""

    name: str
    build: Callable[[tuple[int, ...], int], nn.Module]  # (shape of the features, number of labels)
    features: FeatureConfig
    recipe: Recipe
    summary: str  # one line for a person
    pretrained: bool = False  # whether it has the layers of the speech encoder, and starts from it


_REGISTRY: dict[str, Architecture] = {}


def register(entry: Architecture) -> Architecture:
    """Add an architecture. Raises ModelError if the name is taken."""
    if entry.name in _REGISTRY:
        raise ModelError(f"the architecture {entry.name!r} is registered already; choose another name")
    _REGISTRY[entry.name] = entry
    return entry


def names() -> tuple[str, ...]:
    """Names of all architectures, sorted."""
    _load_all()
    return tuple(sorted(_REGISTRY))


def architecture(name: str) -> Architecture:
    """The architecture of that name. Raises ModelError that lists the choices."""
    _load_all()
    if name not in _REGISTRY:
        raise ModelError(f"no architecture is called {name!r}; choose one of {', '.join(sorted(_REGISTRY))}")
    return _REGISTRY[name]


def _load_all() -> None:
    package = importlib.import_module("hanmadi.models")
    try:
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"hanmadi.models.{module.name}")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("train", "a network") from error
