"""The docs are tested: what the code has, the docs name; what is generated is fresh; links lead somewhere."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tanebi.up.kinds import CONFIGS, KINDS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs/reference"
PACKAGES = ("tanebi", "serving", "eventing", "activator", "autoscaler", "importers")


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_what_is_generated_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tanebi", "generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"run `make generate`\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        target
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []


def test_the_report_in_the_guide_to_simulation_is_what_the_command_prints() -> None:
    shown = (ROOT / "docs/guides/simulate.md").read_text().split("```text\n$ tanebi ")[1]
    command, _, report = shown.split("\n```")[0].replace("\\\n", " ").partition("\n")
    done = subprocess.run(
        [sys.executable, "-m", "tanebi", *command.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.rstrip("\n") == report


def test_every_kind_is_documented() -> None:
    text = (REFERENCE / "kinds.md").read_text()
    assert [kind.resource for kind in KINDS if f"`{kind.resource}`" not in text] == []


UNREAD = {
    "config-deployment": {"digest_timeout_s"},
    "config-leader-election": {"lease_s", "renew_deadline_s", "retry_s"},
    "config-logging": {"zap", "levels"},
    "config-network": {
        "cluster_local_domain_tls",
        "system_internal_tls",
        "mesh_mode",
        "wildcard_cert_selector",
    },
    "config-observability": {
        "metrics_protocol",
        "request_metrics_protocol",
        "tracing_protocol",
        "sampling_rate",
        "profiling",
    },
}
"""Settings that are parsed, so that a wrong value is refused, and have no effect. Their ConfigMaps say so."""


def test_settings_that_nobody_reads_are_told() -> None:
    sources = {
        path: path.read_text()
        for package in ("serving", "autoscaler", "activator", "eventing", "importers", "tanebi")
        for path in (ROOT / package).rglob("*.py")
    }
    for config in CONFIGS:
        content = config.parse({})
        if not dataclasses.is_dataclass(content):
            continue
        unread = {
            field.name
            for field in dataclasses.fields(content)
            if not any(re.search(rf"\.{field.name}\b", text) for text in sources.values())
        }
        assert unread == UNREAD.get(config.name, set()), config.name
        assert not unread or "Without effect" in config.example, config.name


def test_the_example_of_every_config_map_parses_to_its_defaults() -> None:
    import yaml

    for config in CONFIGS:
        example = yaml.safe_load(config.example) or {}
        assert config.parse({k: str(v) for k, v in example.items()}) == config.parse({}), (
            config.name
        )


def error_codes() -> set[str]:
    found = set()
    names = {"UserError", "Unavailable", "PeerError", "Bug", "TanebiError"}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in names
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return found


def test_every_error_code_is_documented() -> None:
    text = (REFERENCE / "errors.md").read_text()
    assert sorted(code for code in error_codes() if f"`{code}`" not in text) == []


def conditions_and_reasons() -> set[str]:
    """The constants of the modules that move conditions."""
    return {
        name
        for path in sources()
        if path.name.endswith("_lifecycle.py") and path.parts[-3] in ("serving", "autoscaler")
        for name in re.findall(
            r'^[A-Z_]+: Final = "([A-Z][A-Za-z]+)"$', path.read_text(), re.MULTILINE
        )
    }


def test_every_condition_and_reason_is_documented() -> None:
    text = (REFERENCE / "conditions.md").read_text()
    found = conditions_and_reasons()
    assert "RolloutInProgress" in found
    assert sorted(name for name in found if f"`{name}`" not in text) == []


def metric_names() -> set[str]:
    return {
        name
        for path in sources()
        if path.name == "metrics.py"
        for name in re.findall(r'"(tanebi_[a-z_]+)"', path.read_text())
    }


def test_every_metric_is_documented() -> None:
    text = (REFERENCE / "metrics.md").read_text()
    assert sorted(name for name in metric_names() if f"`{name}`" not in text) == []


def test_the_readme_shows_its_two_commands_first() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:45])
    assert "make demo" in first_screen
    assert "make test" in first_screen
