"""Knative's suites and test images, built from the Go modules that go.mod and go.sum name."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
RECIPE = "3"  # of CONTAINERFILE and what goes with it
IMAGES = "test/test_images"
LABEL = "tanebi.dev/conformance"
# What ko builds: the program at /ko-app/<name>, a user that is not root, and somewhere to write.
CONTAINERFILE = """FROM scratch
COPY root /
COPY {name} /ko-app/{name}
USER 65532
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/ko-app
LABEL {label}={version}
ENTRYPOINT ["/ko-app/{name}"]
"""
PASSWD = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"
GROUP = "root:x:0:\nnonroot:x:65532:\n"
BUILD_TIMEOUT_S = 1800


@dataclass(frozen=True, slots=True)
class Built:
    """The folder of what was built; what is there is not built again."""

    folder: Path

    @property
    def module(self) -> Path:
        """A copy of the folder of go.mod, in which Go may write."""
        made = self.folder / "module"
        made.mkdir(parents=True, exist_ok=True)
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(HERE / name, made / name)
        return made


def go(built: Built, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["env", *(f"{k}={v}" for k, v in environment.items()), "go", *arguments],
        cwd=built.module,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"go {' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout.strip()


def build_suite(built: Built, module: str, package: str) -> Path:
    short = module.rsplit("/", 1)[-1]
    made = built.folder / f"kn-{short}-{package.replace('/', '-')}.test"
    if not made.exists():
        print(f"==> building {short} {package}", flush=True)
        target = f"{module}/test/{package}"
        go(built, "test", "-mod=mod", "-tags=e2e", "-c", "-o", str(made), target)
    return made


def images(built: Built, module: str) -> list[str]:
    """The packages of the test images that are programs, below IMAGES."""
    shape = '{{if eq .Name "main"}}{{.ImportPath}}{{end}}'
    listed = go(built, "list", "-mod=mod", "-f", shape, f"{module}/{IMAGES}/...")
    return [path.split(f"{IMAGES}/", 1)[1] for path in listed.split()]


def version_of(built: Built, module: str) -> str:
    return go(built, "list", "-mod=mod", "-m", "-f", "{{.Version}}", module)


def build_image(built: Built, module: str, package: str, repo: str, version: str) -> str:
    """The tag: `repo`/NAME:latest in the engine, where NAME is the last part of the package, as ko names it."""
    name = package.rsplit("/", 1)[-1]
    tag = f"{repo}/{name}:latest"
    version = f"{version}-{RECIPE}"
    engine = "podman" if shutil.which("podman") else "docker"
    shown = subprocess.run(
        [engine, "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', tag],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.stdout.strip() == version:
        return tag
    print(f"==> building {tag}", flush=True)
    folder = built.folder / "images" / repo.replace("/", "-") / name
    root = folder / "root"  # what is in it keeps its mode; a folder that is copied alone does not
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)
    target = f"{module}/{IMAGES}/{package}"
    go(built, "build", "-mod=mod", "-o", str(folder / name), target, CGO_ENABLED="0")
    text = CONTAINERFILE.format(name=name, label=LABEL, version=version)
    (folder / "Containerfile").write_text(text)
    command = [
        engine,
        "build",
        "-q",
        "--no-cache",
        "-t",
        tag,
        "-f",
        str(folder / "Containerfile"),
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return tag
