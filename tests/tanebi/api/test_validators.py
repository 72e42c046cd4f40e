"""Built inside out, and as good as built on first use."""

from __future__ import annotations

from pydantic import Field

from tanebi.api.meta import Model
from tanebi.api.validators import build


class Leaf(Model):
    size: int = 0


class Bud(Model):
    scales: int = 0


class Twig(Model):
    buds: list[Bud] = Field(default_factory=list)


class Branch(Model):
    leaves: dict[str, list[Leaf]] = Field(default_factory=dict)
    inner: Branch | None = None


class Tree(Model):
    trunk: Branch | None = None


def test_what_is_inside_is_built_first_and_shared() -> None:
    assert not Bud.__pydantic_complete__
    build([Twig])
    assert Bud.__pydantic_complete__
    assert Twig.__pydantic_complete__
    before = Bud.__pydantic_validator__
    build([Twig, Bud])
    assert Bud.__pydantic_validator__ is before


def test_a_model_that_contains_itself_reads_as_deep_as_it_is_written() -> None:
    build([Tree])
    tree = Tree.model_validate({"trunk": {"inner": {"leaves": {"a": [{"size": 3}]}}}})
    assert tree.trunk is not None
    assert tree.trunk.inner is not None
    assert tree.trunk.inner.leaves["a"][0].size == 3
