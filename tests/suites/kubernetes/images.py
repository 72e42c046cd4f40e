"""The images that Kubernetes' suite runs, made on this machine: no registry is asked.

One root file system of Debian packages (busybox, bash, curl, dig, nc, ss, nginx, perl) under Kubernetes' own `agnhost` program.
Each image has the name and the manners that the suite expects of it; what stands in for what is in `IMAGES`.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.suites.kubernetes import building

REGISTRY: Final = "registry.k8s.io"
E2E: Final = f"{REGISTRY}/e2e-test-images"
BASE: Final = "tanebi.local/suite-base:1"
PACKAGES: Final = (
    "bash",
    "bind9-dnsutils",
    "busybox-static",
    "curl",
    "iproute2",
    "netcat-openbsd",
    "nginx-light",
    "perl-base",
)
_USERS: Final = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
user-defined-in-image:x:1000:1000::/home:/bin/sh
"""
_GROUPS: Final = """root:x:0:
daemon:x:1:
www-data:x:33:
user-defined-in-image:x:1000:
group-defined-in-image:x:50000:user-defined-in-image
nogroup:x:65534:
"""
_SITE: Final = """server {
    listen 80 default_server;
    listen [::]:80 default_server;
    root /var/www/html;
}
"""
_AGNHOST: Final = f"{E2E}/agnhost:2.53"
_WEB: Final = """FROM {base}
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
"""
_NAMED_PAGE: Final = """FROM {agnhost}
COPY kubernetes/{name}/html/{name}.jpg {name}.jpg
COPY kubernetes/{name}/html/data.json data.json
CMD ["test-webserver"]
"""
# Image → Containerfile, in the order in which they need each other.
IMAGES: Final[Mapping[str, str]] = {
    BASE: "FROM scratch\nADD root.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n",
    _AGNHOST: f"""FROM {BASE}
COPY kubernetes/agnhost/porter/localhost.crt localhost.crt
COPY kubernetes/agnhost/porter/localhost.key localhost.key
COPY agnhost /agnhost
EXPOSE 80 8080 8081 9376 5000
ENTRYPOINT ["/agnhost"]
CMD ["pause"]
""",
    f"{E2E}/busybox:1.36.1-1": f'FROM {BASE}\nCMD ["sh"]\n',
    f"{E2E}/jessie-dnsutils:1.7": f'FROM {BASE}\nCMD ["sh"]\n',
    f"{E2E}/perl:5.26": f'FROM {BASE}\nCMD ["perl"]\n',
    f"{E2E}/nonroot:1.4": f'FROM {BASE}\nUSER 1234\nCMD ["sh"]\n',
    **{
        f"{E2E}/{name}": _WEB.format(base=BASE)
        for name in ("httpd:2.4.38-4", "httpd:2.4.39-4", "nginx:1.14-4", "nginx:1.15-4")
    },
    **{
        f"{E2E}/{name}:1.7": _NAMED_PAGE.format(agnhost=_AGNHOST, name=name)
        for name in ("nautilus", "kitten")
    },
    f"{REGISTRY}/pause:3.10": f'FROM {_AGNHOST}\nENTRYPOINT ["/agnhost", "pause"]\nCMD []\n',
}
BUILD_TIMEOUT_S: Final = 900


def make(programs: Path) -> None:
    """Make what the engine has not. `programs` holds agnhost. Needs podman (or docker), apt-get and dpkg-deb."""
    engine = shutil.which("podman") or shutil.which("docker")
    assert engine is not None, "the images need podman or docker"
    wanted = [name for name in IMAGES if not _has(engine, name)]
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="suite-images-") as made:
        context = Path(made)
        if BASE in wanted:
            _root_file_system(context)
        shutil.copytree(building.released_sources() / "test/images", context / "kubernetes")
        shutil.copy(programs / building.AGNHOST, context / "agnhost")
        _run("chmod", "-R", "u+w", str(context))
        for name in wanted:
            (context / "Containerfile").write_text(IMAGES[name])
            _run(
                engine,
                "build",
                "-q",
                "--no-cache",
                "-t",
                name,
                "-f",
                str(context / "Containerfile"),
                made,
            )


def _has(engine: str, name: str) -> bool:
    asked = subprocess.run([engine, "image", "inspect", name], capture_output=True, check=False)
    return asked.returncode == 0


def _root_file_system(context: Path) -> None:
    """root.tar: the packages and what they need, unpacked; busybox gives the commands that no package brings."""
    root, archives = context / "root", context / "archives"
    (archives / "partial").mkdir(parents=True)
    _run(
        "apt-get",
        "-o",
        "Dir::State::status=/dev/null",
        "-o",
        f"Dir::Cache::archives={archives}/",
        "-y",
        "--download-only",
        "--no-install-recommends",
        "install",
        *PACKAGES,
    )
    for folder in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")
    for archive in sorted(archives.glob("*.deb")):
        unpacked = f"dpkg-deb --fsys-tarfile {archive} | tar -x --keep-directory-symlink -C {root}"
        _run("sh", "-ec", unpacked)
    for folder, mode in {"tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700, "home": 0o755}.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder).chmod(mode)
    (root / "etc/passwd").write_text(_USERS)
    (root / "etc/group").write_text(_GROUPS)
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    for waste in ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache"):
        shutil.rmtree(root / waste, ignore_errors=True)
    _link_applets(root)
    # What Containerfiles would do in RUN steps, for which not every machine's engine has a use.
    (root / "uploads").mkdir()
    (root / "agnhost-2").symlink_to("agnhost")
    (root / "var/www/html").mkdir(parents=True, exist_ok=True)
    (root / "var/www/html/index.html").write_text("<html><body><h1>It works!</h1></body></html>")
    for name in ("access", "error"):
        place = root / "var/log/nginx" / f"{name}.log"
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to("/dev/stdout" if name == "access" else "/dev/stderr")
    (root / "etc/nginx/sites-enabled").mkdir(parents=True, exist_ok=True)
    (root / "etc/nginx/sites-enabled/default").write_text(_SITE)
    _run("tar", "-C", str(root), "--owner=0", "--group=0", "-cf", str(context / "root.tar"), ".")
    shutil.rmtree(root)
    shutil.rmtree(archives)


def _link_applets(root: Path) -> None:
    """The tools are busybox's, as in the images that the suite knows, where it does not need the real ones. The shell is bash,
    for Debian's busybox has a shell that takes its own tools before all others."""
    binaries = root / "usr/bin"
    said = subprocess.run([binaries / "busybox", "--list"], stdout=subprocess.PIPE, check=True)
    for applet in said.stdout.decode().split():
        if applet not in ("busybox", "bash", "ip", "nc", "nslookup", "perl", "sh", "ss"):
            (binaries / applet).unlink(missing_ok=True)
            (binaries / applet).symlink_to("busybox")
    for name, real in {"nc": "nc.openbsd", "sh": "bash"}.items():
        (binaries / name).unlink(missing_ok=True)
        (binaries / name).symlink_to(real)


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"{' '.join(command[:4])} …: {done.stdout[-2000:]}{done.stderr}"
