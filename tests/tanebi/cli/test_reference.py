from __future__ import annotations

import click

from importers.api import CONFIGS, KINDS
from importers.registry import load
from tanebi.cli.main import COMMANDS, cli
from tanebi.cli.reference import commands_page, configs_page, importers_page, kinds_page


def test_every_command_and_flag_is_there() -> None:
    page = commands_page(cli, COMMANDS)
    for name in COMMANDS:
        assert f"## tanebi {name}\n" in page
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        flags = [flag for p in command.params if isinstance(p, click.Option) for flag in p.opts]
        assert [flag for flag in flags if flag not in page] == []
    assert "### tanebi image build\n" in page


def test_every_kind_is_there() -> None:
    assert "| `pingsources.sources.knative.dev` | PingSource | v1 |" in kinds_page(KINDS)


def test_every_config_map_is_there_with_its_example() -> None:
    page = configs_page(CONFIGS)
    assert "## config-ping-defaults" in page
    assert 'data-max-size: "-1"' in page


def test_every_importer_is_there_with_its_settings() -> None:
    page = importers_page(load("ping"))
    assert "## PingSource" in page
    for field in (
        "schedule",
        "timezone",
        "sink.ref.name",
        "sink.CACerts",
        "ceOverrides.extensions",
    ):
        assert f"| `{field}` |" in page
