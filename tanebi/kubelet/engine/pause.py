"""The image of the container that holds a pod's network: a program that sleeps and nothing else.

An image of our own needs no registry. The program is a static ELF of two system calls, written out here for the two processors
that people run engines on; the archive is what `docker save` writes (image-spec v1.2 manifest.json), which every engine loads.
Pure.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from typing import Final

TAG: Final = "tanebi.local/pause:1"

# pause(2) again and again.              mov eax, 34; syscall; jmp back
_X86_64: Final = bytes.fromhex("b8220000000f05ebf7")
# ppoll(NULL, 0, NULL, NULL): x0..x4 = 0; x8 = 73; svc 0; branch back to the first instruction
_AARCH64: Final = struct.pack(
    "<8I",
    0xD2800000,  # mov x0, #0
    0xD2800001,  # mov x1, #0
    0xD2800002,  # mov x2, #0
    0xD2800003,  # mov x3, #0
    0xD2800004,  # mov x4, #0
    0xD2800928,  # mov x8, #73
    0xD4000001,  # svc #0
    0x17FFFFF9,  # b -28
)
_MACHINES: Final = {"amd64": (0x3E, _X86_64), "arm64": (0xB7, _AARCH64)}
_BASE: Final = 0x400000
_HEADS: Final = 64 + 56  # ELF header and one program header


def program(arch: str) -> bytes:
    """The executable for `amd64` or `arm64`. Raises KeyError for another."""
    machine, code = _MACHINES[arch]
    size = _HEADS + len(code)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADS, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return ident + head + segment + code


def archive(arch: str) -> bytes:
    """A `docker save` archive with the image TAG. The same bytes each time."""
    layer = _tar({"pause": (program(arch), 0o755)})
    config = json.dumps(
        {
            "architecture": arch,
            "os": "linux",
            "config": {"Entrypoint": ["/pause"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            "history": [{"created_by": "tanebi"}],
        }
    ).encode()
    name = f"{_digest(config).removeprefix('sha256:')}.json"
    manifest = [{"Config": name, "RepoTags": [TAG], "Layers": ["layer.tar"]}]
    return _tar(
        {
            name: (config, 0o644),
            "layer.tar": (layer, 0o644),
            "manifest.json": (json.dumps(manifest).encode(), 0o644),
        }
    )


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, (content, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()
