"""What `tanebi up` prints. Caller: tanebi.up.run and the parts as they start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

from tanebi.base.clock import Clock
from tanebi.base.log import Forgiving


class Announced(Protocol):
    """What of a platform is told to who started it."""

    @property
    def gateway_url(self) -> str: ...

    @property
    def kubeconfig(self) -> Path: ...


class Announcer:
    """What `tanebi up` prints: each part as it comes up, with the seconds since the process was started."""

    def __init__(self, clock: Clock, *, age_s: float = 0.0) -> None:
        """`age_s`: how long ago the process was started."""
        self._clock = clock
        self._began = clock.now() - age_s
        self._out = Forgiving(sys.stdout)
        self._stopping = False

    def part(self, name: str, detail: str) -> None:
        self._line(f"✅ {name:<16} {detail}")

    def ready(self, platform: Announced) -> None:
        took = self._clock.now() - self._began
        self._line(f"🔥 ready in {took:.2f} s")
        gateway = platform.gateway_url
        self._out.write(
            f"""
  services    http://NAME.NAMESPACE.localhost:{gateway.rsplit(":", 1)[1]}
  brokers     {gateway}/NAMESPACE/BROKER
  kubectl     kubectl --kubeconfig {platform.kubeconfig} get ksvc
  stop        Ctrl-C

"""
        )
        self._out.flush()

    def stopping(self) -> None:
        self._stopping = True
        self._line(
            "🛑 stopping: requests in flight are finished, then pods are stopped (Ctrl-C again: at once)"
        )

    def still_ending(self, pods: int) -> None:
        self._line(f"⏳ {pods} {'pod is' if pods == 1 else 'pods are'} still ending")

    def restarting(self) -> None:
        self._line("🔁 restarting: requests in flight are finished, those that come are held")

    def hurried(self) -> None:
        self._line("🛑 ended at once: pods were killed")

    def stopped(self) -> None:
        """Said only to who asked for it: after a failure the error is the last word."""
        if self._stopping:
            self._line("✅ stopped")

    def _line(self, text: str) -> None:
        self._out.write(f"{self._clock.now() - self._began:7.3f}s {text}".rstrip() + "\n")
        self._out.flush()
