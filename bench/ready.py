"""From apply to Ready: one Service after the other through the API of a running platform, pods included.

python bench/ready.py [--services 20] [--runtime process|engine]
"""

from __future__ import annotations

import argparse
import json
import ssl
import tempfile
import time
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from coldstart import APP, IMAGE
from load import median
from manifests import service

from tanebi.testing.platform import Platform

PATH = "/apis/serving.knative.dev/v1/namespaces/default/services"
READY_S = 60.0
BOX = "dev.local/ready:bench"
SERVE = ["/bin/sh", "-c", "mkdir -p /tmp/w; exec busybox httpd -f -p $PORT -h /tmp/w"]
CONTAINERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
COPY busybox /bin/mkdir
ENV PATH=/bin
CMD ["/bin/sh"]
"""


class Client:
    """One connection to the API."""

    def __init__(self, platform: Platform) -> None:
        config = yaml.safe_load((platform.data_dir / "kubeconfig").read_text())
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        where = urlsplit(config["clusters"][0]["cluster"]["server"])
        self._http = HTTPSConnection(where.hostname or "", where.port, context=context)
        self._headers = {
            "Authorization": f"Bearer {config['users'][0]['user']['token']}",
            "Content-Type": "application/json",
        }

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        payload = json.dumps(body) if body is not None else None
        self._http.request(method, path, payload, self._headers)
        answer = self._http.getresponse()
        content: dict[str, Any] = json.loads(answer.read())
        assert answer.status < 300, content
        return content


def ready_ms(client: Client, manifest: dict[str, Any]) -> float:
    began = time.perf_counter()
    name = client.call("POST", PATH, manifest)["metadata"]["name"]
    while time.perf_counter() - began < READY_S:
        conditions = client.call("GET", f"{PATH}/{name}").get("status", {}).get("conditions", [])
        if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
            return (time.perf_counter() - began) * 1000
        time.sleep(0.002)
    raise AssertionError(f"{name} never became ready: {conditions}")


def measure(*, services: int = 20, runtime: str = "process") -> list[float]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Platform(Path(folder) / "data", runtime=runtime) as platform,
    ):
        if runtime == "process":
            platform.cli("image", "build", str(APP), "--tag", IMAGE)
        else:
            _build_box(platform, Path(folder))
        client = Client(platform)
        found = []
        for number in range(services):
            made = service(f"ready-{number}", IMAGE if runtime == "process" else BOX)
            if runtime == "engine":
                made["spec"]["template"]["spec"]["containers"][0]["command"] = SERVE
            found.append(ready_ms(client, made))
            client.call("DELETE", f"{PATH}/ready-{number}")
        return sorted(found)


def _build_box(platform: Platform, folder: Path) -> None:
    source = folder / "box"
    source.mkdir()
    (source / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (source / "busybox").chmod(0o755)
    (source / "Containerfile").write_text(CONTAINERFILE)
    platform.cli("image", "build", str(source), "--tag", BOX)


def render(found: list[float], runtime: str) -> str:
    p95 = found[min(len(found) - 1, len(found) * 95 // 100)]
    return f"apply to Ready, {runtime}: p50 {median(found):.0f} ms, p95 {p95:.0f} ms ({len(found)} services)"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--services", type=int, default=20)
    parser.add_argument("--runtime", choices=("process", "engine"), default="process")
    args = parser.parse_args()
    print(render(measure(services=args.services, runtime=args.runtime), args.runtime))


if __name__ == "__main__":
    main()
