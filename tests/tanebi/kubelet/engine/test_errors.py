"""What people read when the engine refuses or is gone."""

from __future__ import annotations

from tanebi.kubelet.engine.errors import EngineError, EngineGone


def test_a_refusal_keeps_the_engines_words() -> None:
    refused = EngineError(409, "name is in use")
    assert (refused.status, refused.message, refused.code) == (
        409,
        "name is in use",
        "engine-refused",
    )


def test_a_missing_engine_says_what_to_do() -> None:
    assert "running" in EngineGone("no answer").hint
