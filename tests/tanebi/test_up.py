from pathlib import Path

import pytest

from serving.api.images import Missing, Resolved
from tanebi.api.kind import Kinds
from tanebi.kubelet.images import ImageStore
from tanebi.testing.clock import FakeClock
from tanebi.up import CONFIGS, KINDS, Announcer, KnownImages, local_url


def test_every_kind_and_config_map_is_declared_once() -> None:
    assert len(list(Kinds(KINDS))) == len({kind.resource for kind in KINDS})
    assert len({(c.namespace, c.name) for c in CONFIGS}) == len(CONFIGS)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        (
            "http://broker-ingress.knative-eventing.svc.cluster.local/ns/b",
            "http://localhost:81/ns/b",
        ),
        ("http://hello.default.svc.cluster.local", "http://hello.default.svc.cluster.local"),
        ("http://broker-ingress.knative-eventing.svc.cluster.local.evil/ns/b", None),
        ("plain value", "plain value"),
    ],
)
def test_only_addresses_of_brokers_are_translated(url: str, local: str | None) -> None:
    assert local_url(url, 81) == (local or url)


def test_the_image_store_gives_facts_to_serving(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images", clock=FakeClock())
    facts = KnownImages(store, None)
    missing = facts.lookup("dev.local/hello")
    assert isinstance(missing, Missing)
    assert "tanebi image build" in missing.message
    app = tmp_path / "app"
    app.mkdir()
    (app / "Procfile").write_text("web: true\n")
    image = store.build(app, "dev.local/hello", progress=lambda line: None)
    assert facts.lookup("dev.local/hello") == Resolved(image.reference)


def test_parts_are_announced_with_the_time_they_took(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    say = Announcer(clock)
    clock.advance(0.25)
    say.part("gateway", "http://127.0.0.1:8080")
    say.stopping()
    say.stopped()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  0.250s ✅ gateway          http://127.0.0.1:8080"
    assert lines[-1] == "  0.250s ✅ stopped"


def test_after_a_failure_nobody_is_told_that_it_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    Announcer(FakeClock()).stopped()
    assert capsys.readouterr().out == ""
