from pathlib import Path

import pytest

from serving.api.images import Missing, Resolved
from tanebi.kubelet.images import ImageStore
from tanebi.testing.clock import FakeClock
from tanebi.up.pods import KnownImages, engine_for, local_url


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


def test_the_process_runtime_looks_for_no_engine() -> None:
    assert engine_for("process") is None
