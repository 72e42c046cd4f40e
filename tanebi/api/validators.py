"""Validators of models, built at a moment of the caller's choice. Pure.

A model's validator contains those of the models inside it. Built on their own first, these are made once and shared by all that
contain them; built with the whole, each whole has a copy of its own, which is most of a platform's start and a quarter of its
memory. Callers: tanebi.up.platform, tanebi.up.activator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from tanebi.api.meta import Model


def build(models: Iterable[type[Model]]) -> None:
    """Now, and not on somebody's first request."""
    seen: set[type[Model]] = set()
    for model in models:
        for one in _inside_first(model, seen):
            one.model_rebuild()


def _inside_first(model: type[Model], seen: set[type[Model]]) -> Iterator[type[Model]]:
    if model in seen:
        return
    seen.add(model)
    for field in model.model_fields.values():
        for inner in _models_of(field.annotation):
            yield from _inside_first(inner, seen)
    yield model


def _models_of(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_of(argument)
