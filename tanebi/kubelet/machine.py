"""What this machine is: the facts that a Node tells of it. Caller: tanebi.kubelet.node."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
TEXT_MAX: Final = 65536


@dataclass(frozen=True, slots=True)
class Machine:
    hostname: str
    cpus: int
    memory_bytes: int
    disk_bytes: int
    kernel: str
    os_image: str
    architecture: str
    machine_id: str
    boot_id: str
    system_uuid: str


def look(folder: Path) -> Machine:
    """`folder` is on the disk whose size counts."""
    disk = os.statvfs(folder)
    machine_id = _line("/etc/machine-id")
    return Machine(
        hostname=socket.gethostname().lower(),
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=memory_of(_text("/proc/meminfo")),
        disk_bytes=disk.f_blocks * disk.f_frsize,
        kernel=platform.release(),
        os_image=os_image_of(_text("/etc/os-release")),
        architecture=ARCHITECTURES.get(platform.machine(), platform.machine()),
        machine_id=machine_id,
        boot_id=_line("/proc/sys/kernel/random/boot_id"),
        system_uuid=_line("/sys/class/dmi/id/product_uuid") or machine_id,
    )


def memory_of(meminfo: str) -> int:
    """Bytes of memory; 0 when the text does not say."""
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        if name == "MemTotal":
            return int(rest.split()[0]) * 1024
    return 0


def os_image_of(os_release: str) -> str:
    for line in os_release.splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip().strip('"')
    return "Linux"


def _text(path: str) -> str:
    """Empty when there is no such file, or it is not ours to read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(TEXT_MAX)
    except OSError:
        return ""


def _line(path: str) -> str:
    return _text(path).strip()
