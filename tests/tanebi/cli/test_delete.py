from __future__ import annotations

from pathlib import Path

import yaml

from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.test_get import config_map, service


def test_by_name(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "a"), config_map(ns, "b"))
    assert shell.good("delete", "cm", "a", "b", "-n", ns) == (
        'configmap "a" deleted\nconfigmap "b" deleted\n'
    )
    assert shell("get", "cm", "a", "-n", ns).code == 1


def test_by_file(shell: Shell, ns: str, tmp_path: Path) -> None:
    shell.apply(service(ns))
    file = tmp_path / "s.yaml"
    file.write_text(yaml.safe_dump(service(ns)))
    assert shell.good("delete", "-f", str(file)) == (
        'service.serving.knative.dev "hello" deleted\n'
    )


def test_by_label_and_all(shell: Shell, ns: str) -> None:
    shell.apply(*(config_map(ns, name, app=name) for name in ("a", "b", "c")))
    assert shell.good("delete", "cm", "-n", ns, "-l", "app=a") == 'configmap "a" deleted\n'
    shell.good("delete", "cm", "--all", "-n", ns)
    assert shell.good("get", "cm", "-n", ns, "-o", "name") == ""


def test_what_is_gone(shell: Shell, ns: str) -> None:
    called = shell("delete", "cm", "gone", "-n", ns)
    assert called.code == 1
    assert 'configmaps "gone" not found' in called.err
    assert shell.good("delete", "cm", "gone", "-n", ns, "--ignore-not-found") == ""


def test_one_that_is_gone_does_not_keep_the_others(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "b"))
    called = shell("delete", "cm", "gone", "b", "-n", ns)
    assert called.code == 1
    assert called.out == 'configmap "b" deleted\n'


def test_waiting_for_a_finalizer_has_an_end(shell: Shell, ns: str) -> None:
    kept = config_map(ns, "kept")
    kept["metadata"]["finalizers"] = ["example.dev/hold"]
    shell.apply(kept)
    called = shell("delete", "cm", "kept", "-n", ns, "--timeout", "1s")
    assert called.code == 1
    assert "timed out waiting for delete on configmap/kept" in called.err
    assert shell("delete", "cm", "kept", "-n", ns, "--no-wait").code == 0


def test_misuse(shell: Shell) -> None:
    assert shell("delete").code == 1
    assert shell("delete", "cm").code == 1
    assert shell("delete", "cm", "a", "-f", "x").code == 1
