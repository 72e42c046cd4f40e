"""The image store: what is built is what is found, by any process, whatever happens in between."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import anyio
import pytest

from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.kubelet.images import Image, ImageStore, ImageWatch, Missing, full_tag, repository
from tanebi.testing.clock import FakeClock
from tanebi.testing.waiting import wait_until

TAG = "dev.local/hello"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "server.py").write_text("print('hello')\n")
    (folder / "Procfile").write_text("web: python server.py\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images", clock=FakeClock())


def build(store: ImageStore, app: Path, tag: str = TAG) -> Image:
    return store.build(app, tag, progress=lambda line: None)


def test_a_build_is_found_by_tag_and_by_digest(store: ImageStore, app: Path) -> None:
    image = build(store, app)
    assert image.command == ("python", "server.py")
    assert (image.root / "server.py").read_text() == "print('hello')\n"
    assert image.digest.startswith("sha256:")
    assert image.reference == f"{TAG}@{image.digest}"
    for ref in (TAG, f"{TAG}:latest", image.reference, f"other/name@{image.digest}"):
        found = store.resolve(ref)
        assert isinstance(found, Image), ref
        assert found.digest == image.digest
    assert [i.tag for i in store.list()] == [f"{TAG}:latest"]


def test_an_unknown_image_says_what_to_do(store: ImageStore) -> None:
    found = store.resolve("dev.local/nothing:v2")
    assert found == Missing(
        "no image dev.local/nothing:v2 in this platform's store; "
        "build it: tanebi image build DIR --tag dev.local/nothing"
    )
    assert isinstance(store.resolve("x@sha256:../../etc"), Missing)


def test_the_digest_follows_the_content(store: ImageStore, app: Path) -> None:
    first = build(store, app)
    assert build(store, app).digest == first.digest
    (app / "__pycache__").mkdir()
    (app / "__pycache__" / "x.pyc").write_bytes(b"changes")
    assert build(store, app).digest == first.digest, "what is ignored does not count"
    (app / "server.py").chmod(0o755)
    second = build(store, app)
    assert second.digest != first.digest, "modes count"
    (app / "server.py").write_text("print('hi')\n")
    third = build(store, app)
    assert len({first.digest, second.digest, third.digest}) == 3
    assert (first.root / "server.py").read_text() == "print('hello')\n", "old snapshots stay"


def test_another_process_sees_a_new_tag(tmp_path: Path, app: Path) -> None:
    one = ImageStore(tmp_path / "images", clock=FakeClock())
    two = ImageStore(tmp_path / "images", clock=FakeClock())
    assert isinstance(two.resolve(TAG), Missing)
    first = build(one, app)
    assert two.resolve(TAG) == first
    (app / "more").write_text("x")
    assert two.resolve(TAG) != build(one, app)
    assert isinstance(found := two.resolve(TAG), Image)
    assert (found.root / "more").exists()


def _build_many(root: Path, app: Path, name: str) -> None:
    store = ImageStore(root, clock=SystemClock())
    for i in range(5):
        store.build(app, f"dev.local/{name}:v{i}", progress=lambda line: None)


def test_two_builds_at_once_lose_nothing(tmp_path: Path, app: Path) -> None:
    context = multiprocessing.get_context("spawn")
    builders = [
        context.Process(target=_build_many, args=(tmp_path / "images", app, name))
        for name in ("a", "b")
    ]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(30)
        assert builder.exitcode == 0
    store = ImageStore(tmp_path / "images", clock=FakeClock())
    assert len(store.list()) == 10
    assert len({image.digest for image in store.list()}) == 1
    assert list((tmp_path / "images" / "tmp").iterdir()) == []


def test_remove_keeps_what_is_used(store: ImageStore, app: Path) -> None:
    image = build(store, app)
    store.remove(TAG, used=[image.digest])
    assert isinstance(store.resolve(TAG), Missing)
    assert isinstance(store.resolve(image.reference), Image)
    build(store, app)
    store.remove(TAG, used=None)
    assert isinstance(store.resolve(image.reference), Image), "nobody knows who uses it"
    assert store.prune(used=[image.digest]) == 0
    assert store.prune(used=[]) == 1
    assert isinstance(store.resolve(image.reference), Missing)
    with pytest.raises(UserError, match=r"no image dev\.local/hello"):
        store.remove(TAG, used=[])


def test_a_half_made_snapshot_is_made_anew(store: ImageStore, app: Path) -> None:
    image = build(store, app)
    (image.root.parent / "image.json").unlink()
    assert isinstance(store.resolve(TAG), Missing)
    assert build(store, app).digest == image.digest
    assert isinstance(store.resolve(TAG), Image)


@pytest.mark.parametrize("tag", ["", "Hello", "a b", "x@sha256:00", "../x", "x:", "/x", "x//y"])
def test_a_bad_tag_is_refused(store: ImageStore, app: Path, tag: str) -> None:
    with pytest.raises(UserError, match="invalid image tag"):
        build(store, app, tag)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path, app: Path) -> None:
    (tmp_path / "file").write_text(
        ""
    )  # root may write read-only folders, but nobody makes a folder of a file
    store = ImageStore(tmp_path / "file" / "images", clock=FakeClock())
    with pytest.raises(UserError) as caught:
        build(store, app)
    assert "cannot write to the image store" in str(caught.value)
    assert "--data-dir" in caught.value.hint


def test_a_failed_build_changes_nothing(store: ImageStore, app: Path) -> None:
    image = build(store, app)
    (app / "Procfile").write_text("web: python 'unclosed\n")
    with pytest.raises(UserError, match="Procfile"):
        build(store, app)
    assert store.resolve(TAG) == image
    assert list((image.root.parents[2] / "tmp").iterdir()) == []


def test_the_index_is_always_whole(store: ImageStore, app: Path) -> None:
    image = build(store, app)
    index = image.root.parents[2] / "index.json"
    assert json.loads(index.read_text()) == {"tags": {f"{TAG}:latest": image.digest}}
    assert [p.name for p in index.parent.iterdir() if p.name.endswith(".new")] == []
    assert os.access(image.root, os.R_OK)


def test_names() -> None:
    assert full_tag("localhost:5000/x") == "localhost:5000/x:latest"
    assert full_tag("x:v1@sha256:00") == "x:v1"
    assert repository("localhost:5000/x:v1@sha256:00") == "localhost:5000/x"


@pytest.mark.anyio
async def test_the_watch_tells_of_a_build(store: ImageStore, app: Path) -> None:
    told: list[int] = []
    watch = ImageWatch(store, SystemClock())
    watch.subscribe(lambda: told.append(1))
    async with anyio.create_task_group() as tasks:
        await tasks.start(watch.run)
        await anyio.to_thread.run_sync(build, store, app)
        await wait_until(lambda: told)
        tasks.cancel_scope.cancel()
