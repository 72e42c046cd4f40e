import pytest

from autoscaler.api.private_service import private_service, revision_of_slice
from tanebi.api.meta import Key, Obj

LONG = "a" * 60


def piece(service: str, **labels: str) -> Obj:
    found = {"kubernetes.io/service-name": service, **labels}
    return {"metadata": {"name": "s", "namespace": "n", "labels": found}}


@pytest.mark.parametrize(
    ("labels", "revision"),
    [
        ({"service": "r-00001-private"}, "r-00001"),
        ({"service": "r-00001"}, None),
        ({"service": "-private"}, ""),
        (
            {"service": "r", "networking.internal.knative.dev/serverlessservice": "r"},
            None,
        ),
        (
            {
                "service": private_service(LONG),
                "networking.internal.knative.dev/serverlessservice": LONG,
            },
            LONG,
        ),
    ],
)
def test_a_slice_tells_its_revision(labels: dict[str, str], revision: str | None) -> None:
    service = labels.pop("service")
    expected = Key("n", revision) if revision is not None else None
    assert revision_of_slice(piece(service, **labels)) == expected


def test_names_fit() -> None:
    assert private_service("r") == "r-private"
    assert len(private_service(LONG)) == 63
    assert revision_of_slice({}) is None
