"""What a container asks to be done just after it was started and just before it is ended (lifecycle.postStart, preStop).

A command beside the container, a request to it, or a pause. Any answer to a request will do, as in Kubernetes.
Caller: tanebi.kubelet.worker, which counts the time against the grace period and tells people.
"""

from __future__ import annotations

from typing import Final

from tanebi.api.core.pod import Container, ExecAction, LifecycleHandler, Pod
from tanebi.kubelet import probes
from tanebi.kubelet.podruntime import Sandbox
from tanebi.kubelet.ports import container_port
from tanebi.kubelet.probing import ProbeTools

FAILED_POST_START: Final = "FailedPostStartHook"
FAILED_PRE_STOP: Final = "FailedPreStopHook"
POST_START_MAX_S: Final = 3600.0
USER_AGENT: Final = "kube-lifecycle/1.32"


class Hooks:
    """Those of one running container."""

    def __init__(self, pod: Pod, container: Container, sandbox: Sandbox, tools: ProbeTools) -> None:
        self._pod = pod
        self._container = container
        self._sandbox = sandbox
        self._tools = tools

    @property
    def after_start(self) -> LifecycleHandler | None:
        lifecycle = self._container.lifecycle
        return lifecycle.post_start if lifecycle else None

    @property
    def before_stop(self) -> LifecycleHandler | None:
        lifecycle = self._container.lifecycle
        return lifecycle.pre_stop if lifecycle else None

    async def run(self, hook: LifecycleHandler, *, timeout_s: float) -> str:
        """What went wrong, in Kubernetes' words; empty when it was done. No longer than `timeout_s`."""
        meta = self._pod.metadata
        where = (
            f'for Container "{self._container.name}" in Pod "{meta.name}_{meta.namespace}'
            f'({meta.uid})" failed - error'
        )
        if hook.exec is not None:
            failure = await self._execute(hook.exec, timeout_s)
            what = f"Exec lifecycle hook ([{' '.join(hook.exec.command)}])"
        elif hook.http_get is not None:
            failure = await self._get(hook, timeout_s)
            what = f"HTTP lifecycle hook ({hook.http_get.path})"
        elif hook.sleep is not None:
            failure = await self._pause(hook.sleep.seconds, timeout_s)
            what = f"Sleep lifecycle hook ({hook.sleep.seconds})"
        else:
            return "Cannot run handler: invalid handler"
        return f"{what} {where}: {failure}" if failure else ""

    async def _execute(self, action: ExecAction, timeout_s: float) -> str:
        result = await self._tools.pods.execute(
            self._pod, self._container, action.command, self._sandbox, timeout_s=timeout_s
        )
        if result.exit is None:
            return result.output
        if result.exit.code == 0:
            return ""
        command = " ".join(action.command)
        return f"command '{command}' exited with {result.exit.code}, message: \"{result.output}\""

    async def _get(self, hook: LifecycleHandler, timeout_s: float) -> str:
        action = hook.http_get
        assert action is not None, "asked by run"
        declared = container_port(self._container, action.port)
        if declared is None:
            return f"couldn't find port: {action.port} in {self._container.name}"
        host = action.host or self._sandbox.address
        real = declared if action.host else self._sandbox.ports.get(declared, declared)
        found = await probes.fetch_status(action, host, real, timeout_s=timeout_s, agent=USER_AGENT)
        return found if isinstance(found, str) else ""

    async def _pause(self, seconds: float, timeout_s: float) -> str:
        await self._tools.clock.sleep(min(seconds, timeout_s))
        return "" if seconds <= timeout_s else "container terminated before sleep hook finished"
