"""Linux capabilities by name and number (include/uapi/linux/capability.h), and what a container's wish leaves out. Pure."""

from __future__ import annotations

from typing import Final

from tanebi.api.core.pod import Capabilities

ALL: Final = "ALL"
NAMES: Final = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST "
    "NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE "
    "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM "
    "BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()


def dropped(wish: Capabilities | None) -> frozenset[int]:
    """The numbers of those that a container gives up. A name that nobody knows is nothing to give up."""
    if wish is None:
        return frozenset()
    gone = {_bare(name) for name in wish.drop or ()}
    kept = {_bare(name) for name in wish.add or ()}
    names = set(NAMES) if ALL in gone else gone
    return frozenset(number for number, name in enumerate(NAMES) if name in names - kept)


def _bare(name: str) -> str:
    return name.upper().removeprefix("CAP_")
