from __future__ import annotations

from typing import Any

import pytest

from importers.api.importer import Context, Importer
from importers.api.source_kind import source_kind
from importers.api.source_types import Source, SourceSpec


class Quiet(Importer):
    kind = source_kind("QuietSource", Source)
    Settings = SourceSpec
    emits = ("quiet",)

    @classmethod
    def attributes(cls, source: Source) -> list[tuple[str, str]]:
        return [("quiet", source.metadata.name)]

    async def run(self, ctx: Context) -> None:
        await ctx.save("done")


def test_an_importer_keeps_its_source() -> None:
    source = Source.model_validate({"metadata": {"name": "q"}})
    assert Quiet(source).source is source
    assert Quiet.attributes(source) == [("quiet", "q")]


def test_what_lacks_a_method_is_no_importer() -> None:
    class Half(Importer):
        pass

    half: Any = Half
    with pytest.raises(TypeError, match="abstract"):
        half(Source())
