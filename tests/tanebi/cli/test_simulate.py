"""`tanebi simulate` from the command line: manifests, comparisons, traces, pictures, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tanebi.cli.driving import Shell

MANIFEST = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: shop}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/max-scale: "20"}}
    spec: {containerConcurrency: 10}
"""
SHORT = ("simulate", "--duration", "1m")


def test_the_same_seed_gives_the_same_report(nowhere: Shell) -> None:
    first, second, other = (nowhere.good(*SHORT, "--seed", seed) for seed in ("1", "1", "2"))
    assert first == second != other
    assert "0 → 1" in first


def test_a_manifest_two_settings_and_a_picture(nowhere: Shell, tmp_path: Path) -> None:
    file, picture = tmp_path / "shop.yaml", tmp_path / "shop.svg"
    file.write_text(MANIFEST)
    words = ("-f", str(file), "--set", "target=2", "--set", "min-scale=2", "--svg", str(picture))
    out = nowhere.good(*SHORT, *words)
    assert "changes · target=2" in out
    assert picture.read_text().startswith("<svg")
    assert f"· {file}" in nowhere.good(*SHORT, "--compare", str(file))


def test_a_trace(nowhere: Shell, tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    file.write_text("at,took\n1,0.5\n2,0.5\n")
    out = nowhere.good("simulate", "--trace", str(file))
    assert "1.50 s" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--traffic", "flood"), "no generator 'flood'"),
        (("--cold-start", "slow"), "'slow'"),
        (("--set", "tarjet=5"), "no such annotation"),
        (("--set", "a/b=1", "--set", "a/b=2", "--set", "a/b=3"), "twice"),
        (("--set", "a/b=1", "--set", "a/b=2", "--compare", "x"), "not with both"),
        (("--trace", "/nowhere.csv"), "cannot read /nowhere.csv"),
        (("--trace", __file__), "line 1"),
        (("--svg", "/nowhere/x.svg"), "cannot write"),
    ],
)
def test_refusals(nowhere: Shell, words: tuple[str, ...], says: str) -> None:
    called = nowhere(*SHORT, *words)
    assert called.code == 1
    assert says in called.err
