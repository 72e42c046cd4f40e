"""The life of a pod, told as facts and answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import EphemeralContainer
from tanebi.api.meta import Obj
from tanebi.kubelet.pods import PodLife, Start, Stop
from tanebi.kubelet.runtime import Exit

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def life(*containers: Obj, status: Obj | None = None, **spec: Any) -> PodLife:
    listed = list(containers) or [{"name": "a", "image": "i"}]
    obj = {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u", "generation": 1},
        "spec": {"containers": listed, "restartPolicy": "Always", **spec},
        "status": status or {},
    }
    return PodLife(POD.view(obj))


def start(pod: PodLife, name: str = "a", now: float = 0.0) -> None:
    pod.started(
        name, id=f"process://{name}", image_id="sha", now=now, stamp=T0 + timedelta(seconds=now)
    )


def end(pod: PodLife, code: int, name: str = "a", now: float = 0.0, message: str = "") -> Any:
    return pod.exited(name, Exit(code), message, now=now, stamp=T0 + timedelta(seconds=now))


def conditions(pod: PodLife, at: float = 0.0) -> dict[str, tuple[str, str]]:
    found = pod.status(T0 + timedelta(seconds=at))["conditions"]
    return {c["type"]: (c["status"], c.get("reason", "")) for c in found}


def state(pod: PodLife, index: int = 0) -> Obj:
    found: Obj = pod.status(T0)["containerStatuses"][index]
    return found


def test_from_pending_to_ready() -> None:
    pod = life({"name": "a", "image": "i", "readinessProbe": {"tcpSocket": {"port": 1}}})
    assert pod.phase == "Pending"
    assert state(pod)["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert pod.begin() == [Start("a", 0)]
    assert pod.begin() == [], "asked once"
    start(pod)
    assert pod.phase == "Running"
    assert conditions(pod) == {
        "Initialized": ("True", ""),
        "Ready": ("False", "ContainersNotReady"),
        "ContainersReady": ("False", "ContainersNotReady"),
        "PodScheduled": ("True", ""),
    }
    assert pod.probed("a", "readiness", True, "") == []
    assert conditions(pod)["Ready"] == ("True", "")
    pod.probed("a", "readiness", False, "gone")
    assert conditions(pod)["Ready"] == ("False", "ContainersNotReady")


def test_a_frozen_pod_is_not_ready_and_says_why() -> None:
    pod = life()
    pod.begin()
    start(pod)
    assert pod.settled
    assert pod.has_started("a")
    pod.asleep = True
    assert conditions(pod)["Ready"] == ("False", "Standby")
    assert pod.status(T0)["reason"] == "Standby"
    assert not state(pod)["ready"]
    pod.asleep = False
    assert conditions(pod)["Ready"] == ("True", "")
    assert "reason" not in pod.status(T0)


SIDE: Obj = {"name": "side", "image": "i", "restartPolicy": "Always"}


def test_a_sidecar_runs_beside_what_follows_it() -> None:
    pod = life(initContainers=[SIDE, {"name": "init", "image": "i"}], restartPolicy="Never")
    assert pod.begin() == [Start("side", 0)]
    start(pod, "side")
    assert pod.after_start("side") == [Start("init", 0)]
    start(pod, "init")
    assert pod.after_start("init") == []
    assert conditions(pod)["Initialized"][0] == "False"
    assert end(pod, 0, "init") == [Start("a", 0)]
    start(pod)
    assert pod.phase == "Running"
    assert conditions(pod)["Ready"] == ("True", "")
    assert end(pod, 1, "side") == [Start("side", 1)], "started again, whatever the pod's policy"
    assert conditions(pod)["Ready"] == ("False", "ContainersNotReady")
    start(pod, "side")
    assert end(pod, 0) == [Stop("side", "Stopping container side")]
    assert pod.phase == "Succeeded"
    assert end(pod, 137, "side") == [], "it has served its time"
    assert pod.phase == "Succeeded"


def test_a_sidecar_with_a_startup_probe_holds_the_others_back() -> None:
    probe = {"tcpSocket": {"port": 1}}
    pod = life(initContainers=[{**SIDE, "startupProbe": probe}])
    pod.begin()
    start(pod, "side")
    assert pod.after_start("side") == []
    assert pod.phase == "Pending"
    assert pod.probed("side", "startup", True, "") == [Start("a", 0)]


def test_a_pod_has_a_deadline() -> None:
    pod = life()
    pod.begin()
    pod.expires_at = 30.0
    start(pod)
    assert pod.next_due() == 30
    assert pod.due(29) == []
    (stopped,) = pod.due(30)
    assert stopped == Stop("a", "Pod was active on the node longer than the specified deadline")
    assert pod.phase == "Failed"
    assert pod.status(T0)["reason"] == "DeadlineExceeded"
    assert end(pod, 143, now=31) == []
    assert pod.next_due() is None


def test_without_a_probe_running_is_ready() -> None:
    pod = life()
    pod.begin()
    start(pod)
    assert state(pod)["ready"] is True
    assert state(pod)["started"] is True
    assert state(pod)["containerID"] == "process://a"


def test_a_condition_keeps_its_time_until_it_turns() -> None:
    pod = life()
    pod.begin()
    since = {c["type"]: c["lastTransitionTime"] for c in pod.status(T0)["conditions"]}
    start(pod)
    later = {
        c["type"]: c["lastTransitionTime"]
        for c in pod.status(T0 + timedelta(seconds=9))["conditions"]
    }
    assert later["PodScheduled"] == since["PodScheduled"] == "2026-01-01T00:00:00Z"
    assert later["Ready"] == "2026-01-01T00:00:09Z"


def test_restarts_back_off_from_10_s_to_300_s() -> None:
    pod = life()
    pod.begin()
    now, waits = 0.0, []
    for _ in range(8):
        start(pod, now=now)
        actions = end(pod, 1, now=now + 1)
        due = pod.next_due()
        if due is None:
            assert actions == [Start("a", 1)], "the first time at once"
            waits.append(0.0)
            now += 1
            continue
        assert actions == []
        waits.append(due - now - 1)
        assert pod.due(due - 0.1) == []
        assert len(pod.due(due)) == 1
        now = due
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_long_run_forgives() -> None:
    pod = life()
    pod.begin()
    start(pod)
    end(pod, 1, now=1)
    start(pod, now=1)
    assert end(pod, 1, now=700) == [Start("a", 2)]


def test_crash_loop_is_told_with_the_last_words() -> None:
    pod = life()
    pod.begin()
    start(pod)
    end(pod, 1)
    start(pod)
    end(pod, 7, message="boom")
    found = state(pod)
    assert found["state"]["waiting"] == {
        "reason": "CrashLoopBackOff",
        "message": "back-off 10s restarting failed container=a pod=p_ns(u)",
    }
    assert found["lastState"]["terminated"] | {"startedAt": "", "finishedAt": ""} == {
        "exitCode": 7,
        "reason": "Error",
        "message": "boom",
        "startedAt": "",
        "finishedAt": "",
        "containerID": "process://a",
    }
    assert found["restartCount"] == 1, "the second one is still to come"
    assert found["ready"] is False
    assert pod.phase == "Running"


@pytest.mark.parametrize(
    ("policy", "code", "again", "phase"),
    [
        ("Always", 0, True, "Running"),
        ("Always", 1, True, "Running"),
        ("OnFailure", 0, False, "Succeeded"),
        ("OnFailure", 1, True, "Running"),
        ("Never", 0, False, "Succeeded"),
        ("Never", 1, False, "Failed"),
    ],
)
def test_restart_policies(policy: str, code: int, again: bool, phase: str) -> None:
    pod = life(restartPolicy=policy)
    pod.begin()
    start(pod)
    assert bool(end(pod, code)) is again
    assert pod.phase == phase
    assert pod.finished is (phase in ("Succeeded", "Failed"))


def test_a_finished_pod_says_so() -> None:
    pod = life(restartPolicy="Never")
    pod.begin()
    start(pod)
    end(pod, 0)
    assert conditions(pod)["Ready"] == ("False", "PodCompleted")
    assert state(pod)["state"]["terminated"]["reason"] == "Completed"


def test_what_cannot_start_waits_and_can_be_retried() -> None:
    pod = life()
    pod.begin()
    pod.start_failed("a", "ErrImagePull", "no image i", now=0)
    assert pod.phase == "Pending"
    assert state(pod)["state"]["waiting"] == {"reason": "ErrImagePull", "message": "no image i"}
    assert pod.next_due() == 10
    assert pod.retry(["CreateContainerConfigError"]) == []
    assert pod.retry(["ErrImagePull", "ImagePullBackOff"]) == [Start("a", 0)]
    assert pod.retry(["ErrImagePull", "ImagePullBackOff"]) == [], "it is being tried"
    pod.start_failed("a", "ErrImagePull", "no image i", now=1)
    assert state(pod)["state"]["waiting"] == {
        "reason": "ImagePullBackOff",
        "message": 'Back-off pulling image "i": ErrImagePull: no image i',
    }
    assert pod.next_due() == 21
    assert pod.due(21) == [Start("a", 0)]
    start(pod)
    assert state(pod)["restartCount"] == 0


def test_init_containers_run_in_turn() -> None:
    inits = [{"name": "i1", "image": "i"}, {"name": "i2", "image": "i"}]
    pod = life({"name": "a", "image": "i"}, {"name": "b", "image": "i"}, initContainers=inits)
    assert pod.begin() == [Start("i1", 0)]
    start(pod, "i1")
    assert conditions(pod)["Initialized"] == ("False", "ContainersNotInitialized")
    assert end(pod, 1, "i1") == [Start("i1", 1)]
    start(pod, "i1")
    assert end(pod, 0, "i1") == [Start("i2", 0)]
    start(pod, "i2")
    assert pod.phase == "Pending"
    assert end(pod, 0, "i2") == [Start("a", 0), Start("b", 0)]
    assert conditions(pod)["Initialized"] == ("True", "")


def test_a_failed_init_container_can_fail_the_pod() -> None:
    pod = life(initContainers=[{"name": "i1", "image": "i"}], restartPolicy="Never")
    pod.begin()
    start(pod, "i1")
    assert end(pod, 1, "i1") == []
    assert pod.phase == "Failed"


def test_a_startup_probe_holds_the_others_back() -> None:
    probe = {"tcpSocket": {"port": 1}}
    pod = life({"name": "a", "image": "i", "startupProbe": probe, "readinessProbe": probe})
    pod.begin()
    start(pod)
    pod.probed("a", "readiness", True, "")
    assert state(pod)["ready"] is False
    pod.probed("a", "startup", True, "")
    assert (state(pod)["started"], state(pod)["ready"]) == (True, False)
    pod.probed("a", "readiness", True, "")
    assert state(pod)["ready"] is True


@pytest.mark.parametrize("aspect", ["liveness", "startup"])
def test_a_failed_probe_ends_the_container(aspect: Any) -> None:
    pod = life()
    pod.begin()
    start(pod)
    (stop,) = pod.probed("a", aspect, False, "dead")
    assert stop == Stop("a", f"Container a failed {aspect} probe, will be restarted")
    assert end(pod, 143) == [Start("a", 1)]
    assert pod.probed("a", aspect, False, "late news") == []


def test_a_stopping_pod_starts_nothing() -> None:
    pod = life(restartPolicy="Always")
    pod.begin()
    start(pod)
    pod.stop()
    assert end(pod, 1) == []
    assert pod.next_due() is None
    assert pod.begin() == []


def test_restarts_are_counted_on_after_the_platform_was_started_again() -> None:
    known = {"name": "a", "restartCount": 4, "containerID": "process://1"}
    pod = life(status={"phase": "Running", "containerStatuses": [known]})
    assert pod.begin() == [Start("a", 5)]
    start(pod)
    assert state(pod)["restartCount"] == 5


class Lives(RuleBasedStateMachine):
    """Whatever happens in whatever order, a container never runs twice, and a pod never hangs."""

    def __init__(self) -> None:
        super().__init__()
        probe = {"tcpSocket": {"port": 1}}
        self.now = 0.0
        self.stopped = False
        self.asked: set[str] = set()
        self.pod = life(
            {"name": "a", "image": "i", "startupProbe": probe},
            {"name": "b", "image": "i", "readinessProbe": probe},
            initContainers=[{"name": "i", "image": "i"}],
        )
        self.take(self.pod.begin())

    def take(self, actions: Any) -> None:
        for action in actions:
            if isinstance(action, Start):
                assert action.container not in self.asked, "asked twice"
                assert action.container not in self.pod.running, "runs already"
                assert not self.stopped
                self.asked.add(action.container)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), ok=st.booleans())
    def starts(self, data: st.DataObject, ok: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.asked)))
        self.asked.discard(name)
        if ok:
            start(self.pod, name, self.now)
        else:
            self.pod.start_failed(name, "ErrImagePull", "no", now=self.now)

    @precondition(lambda self: self.pod.running)
    @rule(data=st.data(), code=st.integers(0, 1), ran=st.sampled_from([0.0, 700.0]))
    def ends(self, data: st.DataObject, code: int, ran: float) -> None:
        self.now += ran
        name = data.draw(st.sampled_from(self.pod.running))
        self.take(end(self.pod, code, name, self.now))

    @rule(name=st.sampled_from("ab"), aspect=st.sampled_from(["startup", "readiness", "liveness"]))
    def probes(self, name: str, aspect: Any) -> None:
        self.take(self.pod.probed(name, aspect, True, ""))

    @rule(seconds=st.sampled_from([1.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.take(self.pod.due(self.now))

    @rule()
    def something_may_be_there_now(self) -> None:
        self.take(self.pod.retry(["ErrImagePull", "ImagePullBackOff"]))

    @rule()
    def stops(self) -> None:
        self.stopped = True
        self.pod.stop()

    @invariant()
    def never_stuck(self) -> None:
        """Something runs, was asked for, or is timed: else nothing would ever happen again."""
        if not self.stopped:
            assert self.pod.running or self.asked or self.pod.next_due() is not None

    @invariant()
    def readable(self) -> None:
        status = self.pod.status(T0)
        POD.view({"status": status})
        for each in status["containerStatuses"]:
            assert len(each["state"]) == 1
            if each["ready"]:
                assert "running" in each["state"]


Lives.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_lives = Lives.TestCase


def test_another_image_is_run_anew_whatever_the_policy() -> None:
    pod = life(restartPolicy="Never")
    pod.begin()
    start(pod)
    container = pod.pod.spec.containers[0].model_copy(update={"image": "other"})
    spec = pod.pod.spec.model_copy(update={"containers": [container]})
    (stop,) = pod.changed(pod.pod.model_copy(update={"spec": spec}))
    assert stop == Stop("a", "Container a definition changed, will be restarted")
    assert end(pod, 0) == [Start("a", 1)]


def test_what_is_refused_has_failed() -> None:
    pod = life()
    pod.refuse("SysctlForbidden", "no")
    assert pod.begin() == []
    status = pod.status(T0)
    assert [status[k] for k in ("phase", "reason", "message")] == [
        "Failed",
        "SysctlForbidden",
        "no",
    ]


def test_a_container_that_is_added_counts_for_nothing() -> None:
    pod = life(restartPolicy="Never")
    pod.begin()
    start(pod)
    added = EphemeralContainer(name="look", image="i")
    spec = pod.pod.spec.model_copy(update={"ephemeral_containers": [added]})
    assert pod.changed(pod.pod.model_copy(update={"spec": spec})) == [Start("look", 0)]
    start(pod, "look")
    assert end(pod, 1, "look") == []
    (told,) = pod.status(T0)["ephemeralContainerStatuses"]
    assert (told["name"], told["state"]["terminated"]["exitCode"]) == ("look", 1)
    assert pod.settled
    assert end(pod, 0) == []
    assert pod.phase == "Succeeded"
