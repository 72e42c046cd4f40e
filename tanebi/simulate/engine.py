"""Requests, pods and the autoscaler of one revision, event by event in virtual time.

Pure: chance comes from the seed alone, time from the events. Real are the throttler, the meter and everything in
`tanebi.simulate.scaler`; played are pods (a time to start, then `containerConcurrency` requests at once, each for its own time
whatever else the pod does) and the kubelet (the youngest go first, those not ready before them; a pod that goes takes nothing new
and ends what it has). Every second a report, every TICK_S a decision, as in production. Caller: tanebi.cli.simulate.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from activator.breaker import Verdict
from activator.meter import Meter
from activator.throttler import Target, Throttler
from tanebi.base.rng import system_rng
from tanebi.simulate.distribution import Distribution
from tanebi.simulate.result import Result
from tanebi.simulate.scaler import Scaler
from tanebi.simulate.setting import Setting
from tanebi.simulate.traffic import Traffic

TICK_SECONDS: Final = 2
TAIL_S: Final = 120.0
ADDRESS: Final = "127.0.0.1"
PASSES_MAX: Final = 10

State = Literal["starting", "ready", "leaving", "gone"]


@dataclass(slots=True, eq=False)
class Pod:
    """`target` exists once it is ready."""

    number: int
    born_at: float
    state: State = "starting"
    target: Target | None = None


def simulate(
    setting: Setting,
    traffic: Traffic,
    boot: Distribution,
    *,
    seed: int = 0,
    tail_s: float = TAIL_S,
    from_deploy: bool = False,
) -> Result:
    """Play `traffic` against `setting`, until everything is answered and `tail_s` have passed after its end.

    The revision was deployed long ago and rests; `from_deploy`: it is deployed now, and its initial pods start.
    """
    return _Run(setting, traffic, boot, seed, tail_s, from_deploy).play()


class _Run:
    def __init__(
        self,
        setting: Setting,
        traffic: Traffic,
        boot: Distribution,
        seed: int,
        tail_s: float,
        from_deploy: bool,
    ) -> None:
        self._traffic = traffic
        self._timeout_s = setting.timeout_s
        self._boot = boot
        self._chance = system_rng(2 * seed)  # traffic has the odd ones
        self._until = math.ceil(traffic.duration_s + tail_s)
        self._throttler: Throttler[int] = Throttler(setting.concurrency, self._chance)
        self._scaler = Scaler(setting, 0.0, deployed=not from_deploy)
        self._meter: Meter | None = None
        self._pods: list[Pod] = []  # oldest first, without those that left
        self._of_target: dict[Target, Pod] = {}
        self._queued: deque[int] = deque()  # oldest first; some may have been admitted since
        self._ready = 0
        self._second = 0
        self._arrived = 0
        self._dones: list[tuple[float, int, Target]] = []  # (when, request, where)
        self._late: set[int] = set()  # requests whose service outlasts their timeout
        self._boots: list[tuple[float, int, Pod]] = []
        self._result = Result(setting.name, arrivals=len(traffic.at))
        self._begin(starting=from_deploy)

    def play(self) -> Result:
        result, arrivals = self._result, self._traffic.at
        next_arrival, count = 0, len(arrivals)
        while True:
            arrives = arrivals[next_arrival] if next_arrival < count else math.inf
            done = self._dones[0][0] if self._dones else math.inf
            booted = self._boots[0][0] if self._boots else math.inf
            due = self._scaler.look_at
            look = math.inf if due is None else due
            # At the same moment: what ends, then what begins, then who watches.
            first = min(done, booted, arrives, look, self._second)
            if first == done:
                self._finish()
            elif first == booted:
                self._booted()
            elif first == arrives:
                self._arrive(next_arrival, arrives)
                next_arrival += 1
            elif first == look:
                self._reconcile(look)
            elif self._second >= self._until and next_arrival == count and self._idle:
                break
            else:
                self._every_second()
        result.ended_at = float(self._second)
        self._count_up()
        return result

    @property
    def _idle(self) -> bool:
        return not self._dones and not self._throttler.waiting

    def _begin(self, *, starting: bool) -> None:
        """The pods that are there at rest, or the first ones of a new revision."""
        for _ in range(self._scaler.replicas):
            if starting:
                self._start(0.0)
            else:
                self._make_ready(self._create(0.0), 0.0)

    # --- requests ---
    def _arrive(self, request: int, now: float) -> None:
        result, meter = self._result, self._meter
        self._arrived += 1
        poke = meter is None
        if meter is None:
            meter = self._meter = Meter(now)
        meter.arrive(now)
        target = self._throttler.offer(request)
        if isinstance(target, Target):
            self._serve(request, target, now)
        elif target is Verdict.FULL:
            result.refused += 1
            meter.leave(now)
        else:
            result.waited += 1
            self._queued.append(request)
            result.waited_cold += self._ready == 0
            result.queue_most = max(result.queue_most, self._throttler.waiting)
        if poke:
            self._scaler.poke(self._ready, now)
            self._reconcile(now)

    def _serve(self, request: int, target: Target, now: float) -> None:
        self._result.busiest_pod = max(self._result.busiest_pod, target.in_flight)
        done, late = now + self._traffic.service[request], self._late_at(request)
        if done > late:
            done = max(now, late)
            self._late.add(request)
        heapq.heappush(self._dones, (done, request, target))

    def _late_at(self, request: int) -> float:
        return self._traffic.at[request] + self._timeout_s

    def _finish(self) -> None:
        now, request, target = heapq.heappop(self._dones)
        if request in self._late:
            self._late.remove(request)
            self._result.refused += 1
        else:
            self._result.answered += 1
            self._result.latencies.append(now - self._traffic.at[request])
        assert self._meter is not None, "a request is being served, so there is load"
        self._meter.leave(now)
        for who, where in self._throttler.release(target):
            self._serve(who, where, now)
        if not target.usable and target.in_flight == 0:
            self._bury(self._of_target.pop(target), now)

    # --- pods ---
    def _create(self, now: float) -> Pod:
        pod = Pod(self._result.pods_started, now)
        self._pods.append(pod)
        self._result.pods_started += 1
        self._result.pods_most = max(self._result.pods_most, len(self._pods))
        return pod

    def _start(self, now: float) -> None:
        pod = self._create(now)
        starts = now + self._boot.sample(self._chance)
        heapq.heappush(self._boots, (starts, pod.number, pod))

    def _booted(self) -> None:
        now, _, pod = heapq.heappop(self._boots)
        if pod.state == "starting":
            self._make_ready(pod, now)
            self._reconcile(now)

    def _make_ready(self, pod: Pod, now: float) -> None:
        pod.state = "ready"
        self._ready += 1
        pod.target, granted = self._throttler.add((ADDRESS, pod.number))
        self._of_target[pod.target] = pod
        for who, where in granted:
            self._serve(who, where, now)

    def _remove(self, now: float) -> None:
        """One pod fewer: the youngest of those that are not ready, else the youngest."""
        starting = [pod for pod in self._pods if pod.state == "starting"]
        pod = (starting or self._pods)[-1]
        self._pods.remove(pod)
        if pod.target is None:
            self._bury(pod, now)
            return
        pod.state = "leaving"
        self._ready -= 1
        self._throttler.close(pod.target)
        if pod.target.in_flight == 0:
            self._bury(self._of_target.pop(pod.target), now)

    def _bury(self, pod: Pod, now: float) -> None:
        pod.state = "gone"
        self._result.pod_seconds += now - pod.born_at

    # --- those who watch ---
    def _give_up(self, now: float) -> None:
        """Who has waited for the revision's timeout gets an error and waits no longer."""
        queued = self._queued
        while queued and now >= self._late_at(queued[0]):
            if self._throttler.cancel(queued.popleft()):
                assert self._meter is not None, "somebody waits, so there is load"
                self._meter.leave(now)
                self._result.refused += 1

    def _every_second(self) -> None:
        now = float(self._second)
        self._give_up(now)
        self._report(now)
        if self._second % TICK_SECONDS == 0:
            self._scaler.tick(self._ready, now)
        self._reconcile(now)
        self._sample()
        self._second += 1

    def _report(self, now: float) -> None:
        """As activator.reporter.take_stats: while there is load, and once more with zero."""
        meter = self._meter
        if meter is None:
            return
        idle = meter.concurrency == 0
        average, rate = meter.take(now)
        self._scaler.report(average, rate, ready=self._ready, now=now)
        if idle and average == 0 and rate == 0:
            self._meter = None

    def _reconcile(self, now: float) -> None:
        for _ in range(PASSES_MAX):
            ready = self._ready
            wanted = self._scaler.reconcile(ready, now)
            while len(self._pods) > wanted:
                self._remove(now)
            while len(self._pods) < wanted:
                self._start(now)
            if ready == self._ready:
                return

    def _sample(self) -> None:
        samples, waiting = self._result.samples, self._throttler.waiting
        samples.arrived.append(self._arrived)
        samples.busy.append(len(self._dones))
        samples.queue.append(waiting)
        samples.wanted.append(self._scaler.replicas)
        samples.ready.append(self._ready)
        self._arrived = 0

    def _count_up(self) -> None:
        result = self._result
        for pod in (*self._pods, *self._of_target.values()):
            if pod.state != "gone":
                self._bury(pod, result.ended_at)
        result.latencies = type(result.latencies)("d", sorted(result.latencies))
        result.changes = self._scaler.changes
        result.wakes = sum(change.before == 0 for change in result.changes)
