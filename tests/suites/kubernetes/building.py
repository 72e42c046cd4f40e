"""Kubernetes' end-to-end suite as a program, built from its released modules by the ordinary Go tools.

Nothing of it is kept in this repository: the modules come by the module proxy, and the program is built in a cache folder.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Final

VERSION: Final = "v1.32.2"
KUBERNETES: Final = "k8s.io/kubernetes"
# Modules that live inside Kubernetes' own repository, released beside it under v0.
STAGING: Final = """api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap
code-generator component-base component-helpers controller-manager cri-api cri-client csi-translation-lib
dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator kube-controller-manager kube-proxy kube-scheduler
kubectl kubelet metrics mount-utils pod-security-admission sample-apiserver sample-cli-plugin sample-controller""".split()
SUITE: Final = "e2e.test"
AGNHOST: Final = "agnhost"
BUILD_TIMEOUT_S: Final = 3600


def cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "tanebi" / f"kubernetes-{VERSION}"


def built(folder: Path) -> Path:
    """`folder` with both programs in it, building what is not there yet (20 minutes on two cores)."""
    folder.mkdir(parents=True, exist_ok=True)
    if all((folder / name).exists() for name in (SUITE, AGNHOST)):
        return folder
    module = folder / "module"
    if not (module / "go.sum").exists():
        _prepare(module)
    if not (folder / AGNHOST).exists():
        source = f"{KUBERNETES}/test/images/agnhost"
        _go(module, "build", "-o", str(folder / AGNHOST), source, CGO_ENABLED="0")
    _go(module, "test", "-c", "-o", str(folder / SUITE), f"{KUBERNETES}/test/e2e")
    return folder


def sources(module: Path) -> Path:
    """Kubernetes' sources in the module cache."""
    said = _go(module, "mod", "download", "-json", f"{KUBERNETES}@{VERSION}")
    return Path(json.loads(said)["Dir"])


def released_sources() -> Path:
    """As `sources`, without a module of ours."""
    module = cache_folder() / "lookup"
    module.mkdir(parents=True, exist_ok=True)
    return sources(module)


def _prepare(module: Path) -> None:
    module.mkdir(exist_ok=True)
    staged = VERSION.replace("v1.", "v0.", 1)
    replaced = "\n".join(f"replace k8s.io/{name} => k8s.io/{name} {staged}" for name in STAGING)
    needed = f"require {KUBERNETES} {VERSION}"
    (module / "go.mod").write_text(f"module suite\n\ngo 1.23\n\n{needed}\n\n{replaced}\n")
    _go(
        module,
        "get",
        "-t",
        f"{KUBERNETES}/test/e2e@{VERSION}",
        f"{KUBERNETES}/test/images/agnhost@{VERSION}",
    )


def _go(module: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["go", *arguments],
        cwd=module,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=True,
    )
    return done.stdout
