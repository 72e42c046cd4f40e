from __future__ import annotations

from pathlib import Path

import pytest

from tests.tanebi.cli.driving import Shell

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  a: {value}\n"
BAD_SERVICE = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
spec:
  template:
    spec:
      timeoutSeconds: 9999
      containers:
        - image: dev.local/hello
"""


def test_created_unchanged_configured(shell: Shell, ns: str) -> None:
    first = shell.good("apply", "-n", ns, "-f", "-", stdin=MAP.format(name="m", value="x"))
    again = shell.good("apply", "-n", ns, "-f", "-", stdin=MAP.format(name="m", value="x"))
    other = shell.good("apply", "-n", ns, "-f", "-", stdin=MAP.format(name="m", value="y"))
    assert [first, again, other] == [
        "configmap/m created\n", "configmap/m unchanged\n", "configmap/m configured\n",
    ]  # fmt: skip


def test_a_knative_service_is_called_by_its_full_name(shell: Shell, ns: str) -> None:
    text = BAD_SERVICE.replace("9999", "30")
    assert shell.good("apply", "-n", ns, "-f", "-", stdin=text) == (
        "service.serving.knative.dev/hello created\n"
    )


def test_nothing_is_written_when_any_document_is_wrong(shell: Shell, ns: str) -> None:
    text = f"{MAP.format(name='half', value='x')}---\n{BAD_SERVICE}"
    called = shell("apply", "-n", ns, "-f", "-", stdin=text)
    assert called.code == 1
    assert "standard input:" in called.err
    assert "(document 2)" in called.err
    assert "expected 0 <= 9999 <= 600" in called.err
    assert "nothing was applied" in called.err
    assert shell("get", "cm", "half", "-n", ns).code == 1


def test_an_error_names_file_and_line(shell: Shell, ns: str, tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(BAD_SERVICE.replace("timeoutSeconds: 9999", "typo: 1"))
    called = shell("apply", "-n", ns, "-f", str(file))
    assert called.code == 1
    assert "service.yaml" in called.err
    assert "typo" in called.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: b: c\n", "malformed YAML at line 1"),
        ("apiVersion: v1\nkind: ConfigMap\n  metadata: {\n", "line 3"),
        ('{"apiVersion": "v1", ', "malformed YAML"),
        ("- 1\n", "is a list, not an object"),
        ("kind: ConfigMap\nmetadata: {name: a}\n", "missing apiVersion"),
        ("apiVersion: v1\nkind: ConfigMap\n", "missing metadata.name"),
        ("apiVersion: v9\nkind: ConfigMap\nmetadata: {name: a}\n", "ConfigMap is known in v1"),
        ("", "no objects in -"),
        ("---\n---\n", "no objects in -"),
    ],
)
def test_bad_input_is_named(shell: Shell, text: str, says: str) -> None:
    called = shell("apply", "-f", "-", stdin=text)
    assert called.code == 1
    assert says in called.err


def test_a_directory_is_applied_in_order(shell: Shell, ns: str, tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(MAP.format(name=name, value="x"))
    (tmp_path / "note.txt").write_text("no manifest")
    assert shell.good("apply", "-n", ns, "-f", str(tmp_path)) == (
        "configmap/a created\nconfigmap/b created\n"
    )


def test_a_namespace_and_what_lives_in_it_come_together(shell: Shell, ns: str) -> None:
    text = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {ns}-in}}\n---\n"
    text += MAP.format(name="m", value="x").replace("name: m", f"name: m\n  namespace: {ns}-in")
    assert "configmap/m created" in shell.good("apply", "-f", "-", stdin=text)


def test_a_pod_comes_together_with_its_account(shell: Shell, ns: str) -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: new}\n---\n"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    pod += "spec: {serviceAccountName: new, containers: [{name: c, image: dev.local/none}]}\n"
    said = shell.good("apply", "-n", ns, "-f", "-", stdin=account + pod)
    assert "pod/p created" in said


def test_a_dry_run_writes_nothing(shell: Shell, ns: str) -> None:
    text = MAP.format(name="dry", value="x")
    said = shell.good("apply", "-n", ns, "--dry-run", "server", "-f", "-", stdin=text)
    assert said == "configmap/dry created (server dry run)\n"
    assert shell("get", "cm", "dry", "-n", ns).code == 1


def test_stamps_stay_text(shell: Shell, ns: str) -> None:
    text = MAP.format(name="m", value='"2026-01-01T00:00:00Z"')
    shell.good("apply", "-n", ns, "-f", "-", stdin=text)
    assert "2026-01-01T00:00:00Z" in shell.good("get", "cm", "m", "-n", ns, "-o", "json")


def test_a_missing_file_and_no_platform(shell: Shell, nowhere: Shell) -> None:
    called = nowhere("apply", "-f", "/no/such.yaml")
    assert called.code == 1
    assert "cannot read /no/such.yaml" in called.err
    called = nowhere("apply", "-f", "-", stdin=MAP.format(name="m", value="x"))
    assert called.code == 1
    assert "tanebi up" in called.err
