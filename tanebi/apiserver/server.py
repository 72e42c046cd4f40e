"""The embedded Kubernetes API server: one function from Request to Response or Stream.

The same `handle` answers controllers in this process (tanebi.kube.embedded) and clients over HTTPS (tanebi.apiserver.https). It
knows kinds only by what they declare. Constructed by tanebi.up; `run` keeps the collectors going.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import anyio
import orjson
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from prometheus_client import Counter, Histogram

from tanebi.api.core.kinds import POD, SERVICE
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.kinds_identity import REVIEW_KINDS, SERVICE_ACCOUNT
from tanebi.api.core.twins import TWINS
from tanebi.api.kind import AnyKind, ConfigKind, Kinds
from tanebi.api.logs import LogSource
from tanebi.api.meta import Key, Obj
from tanebi.api.podstreams import PodStreams
from tanebi.apiserver import codec, paths, podlogs, roles, status
from tanebi.apiserver.accounts import AccountKeeper
from tanebi.apiserver.aggregation import RoleAggregator
from tanebi.apiserver.apiservices import API_SERVICE, ApiServiceKeeper
from tanebi.apiserver.authorization import Authorizer, attributes_of
from tanebi.apiserver.configs import StoreConfigs
from tanebi.apiserver.definitions import own
from tanebi.apiserver.definitions.controller import DefinitionController
from tanebi.apiserver.definitions.registry import Registry
from tanebi.apiserver.definitions.types import CRD
from tanebi.apiserver.discovery import Discovery
from tanebi.apiserver.eviction import EvictionDoor
from tanebi.apiserver.expiry import Expiry
from tanebi.apiserver.gc import Collector
from tanebi.apiserver.jwt import ALGORITHM, KeyRing
from tanebi.apiserver.metrics import OBJECTS, REQUEST_SECONDS, REQUESTS, WATCHES
from tanebi.apiserver.namespaces import NamespaceSweeper
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.openapi import OpenApi
from tanebi.apiserver.podaccounts import PodAccounts
from tanebi.apiserver.policies.types import BINDING, POLICY
from tanebi.apiserver.proxy import ProxyDoor
from tanebi.apiserver.rbac import MASTERS
from tanebi.apiserver.rest import Rest
from tanebi.apiserver.reviews import Reviews
from tanebi.apiserver.signing import Sign, Signer
from tanebi.apiserver.store import Store
from tanebi.apiserver.streaming.calls import UPGRADE_REQUIRED, is_streaming, read_call
from tanebi.apiserver.tokens import ISSUER, TokenService
from tanebi.apiserver.twins import TwinDoor
from tanebi.apiserver.user import CONTROLLER, User
from tanebi.apiserver.webhooks.match import Attempt
from tanebi.apiserver.webhooks.types import MUTATING, VALIDATING
from tanebi.base import metrics
from tanebi.base.clock import Clock
from tanebi.base.errors import Unavailable
from tanebi.base.rng import Rng
from tanebi.kube.errors import ApiError, BadRequest, TooLarge, TooManyRequests
from tanebi.kube.transport import Request, Response, Stream

BODY_BYTES_MAX: Final = 3 * 1024 * 1024
IN_FLIGHT_MAX: Final = (
    400  # of clients; controllers in this process are bounded by their own workers
)
PROXIED: Final = (POD, SERVICE, NODE)
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
OPENID, JWKS = roles.ISSUER
HEALTH_PATHS: Final = ("/healthz", "/livez", "/readyz")
_JSON: Final = {"content-type": codec.JSON}
_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}


class ApiServer:
    """`logs` and `streams` None: there is no kubelet here, and no pod has logs or can be entered. `keys` None: no tokens of
    service accounts are signed. `ca_pem` is told to each namespace."""

    def __init__(
        self,
        store: Store,
        kinds: Iterable[AnyKind],
        configs: Iterable[ConfigKind[Any]],
        *,
        clock: Clock,
        rng: Rng,
        logs: LogSource | None = None,
        streams: PodStreams | None = None,
        keys: KeyRing | None = None,
        ca_pem: str = "",
        sign: Sign | None = None,
    ) -> None:
        declared = (*kinds, CRD, MUTATING, VALIDATING, POLICY, BINDING, API_SERVICE, *REVIEW_KINDS)
        self.kinds = Kinds((*declared, *(t.kind for t in TWINS if t.stored in declared)))
        self.store = store
        self.objects = Objects(
            store, StoreConfigs(store, configs), kinds=self.kinds, clock=clock, rng=rng
        )
        self.logs = logs
        self._in_flight = 0
        self.streams = streams
        self._clock = clock
        self._twins = TwinDoor(self.objects)
        self._evictions = EvictionDoor(self.objects)
        self.authorizer = Authorizer(store)
        self.objects.guard = self.authorizer.guard
        self.tokens = TokenService(store, keys, clock=clock, rng=rng)
        self._reviews = Reviews(self.authorizer, self.tokens, clock)
        if keys is not None:
            self.objects.complete_new = PodAccounts(store, rng).apply
        self._accounts = AccountKeeper(self.objects, self.tokens, ca_pem=ca_pem)
        self._api_services = ApiServiceKeeper(store, self.kinds, clock)
        self._aggregator = RoleAggregator(self.objects)
        self._signer = Signer(self.objects, sign)
        self._rest = Rest(self.objects)
        self._proxy = ProxyDoor(store)
        self._registry = Registry(store, self.kinds)
        self._definitions = DefinitionController(self.objects, self.kinds, self._registry)
        self._discovery = Discovery(self.kinds)
        self._openapi = OpenApi(self.kinds)
        self._collector = Collector(self.objects, self.kinds)
        self._namespaces = NamespaceSweeper(self.objects, self.kinds)
        self._expiry = Expiry(self.objects)
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    async def install(self) -> None:
        """Store the definitions of the server's own kinds. Raises Unavailable."""
        await own.install(self.store, self.kinds, self._clock.wall())

    async def handle(self, request: Request, user: User) -> Response | Stream:
        """Never raises for what a client or the disk did: every refusal is a Status."""
        begun = self._clock.now()
        target = paths.target(request.path)
        kind = self.kinds.at(target.group, target.version, target.plural) if target else None
        counted = user != CONTROLLER
        self._in_flight += counted
        try:
            if self._in_flight > IN_FLIGHT_MAX and counted:
                raise TooManyRequests(
                    "the server has received too many requests and has asked us to try again later",
                    details={"retryAfterSeconds": 1},
                )
            if len(request.body) > BODY_BYTES_MAX:
                raise TooLarge(f"Request entity too large: limit is {BODY_BYTES_MAX}")
            self.authorize(request, user, target)
            answer = await self._dispatch(request, user, kind, target)
        except ApiError as error:
            answer = status.response(error)
        except RecursionError:
            answer = status.response(
                BadRequest("the body of the request exceeds the maximum depth")
            )
        except Unavailable as error:
            answer = status.response(status.unavailable(error))
        finally:
            self._in_flight -= counted
        resource = kind.resource if kind else ""
        self._count(request.method, resource, answer.status, self._clock.now() - begun)
        return answer

    def authorize(self, request: Request, user: User, target: paths.Target | None) -> None:
        """Raises Forbidden, Unauthorized."""
        if MASTERS not in user.groups:
            self.authorizer.require(user, attributes_of(request, target))

    async def admit(self, user: User, kind: AnyKind, target: paths.Target, options: Obj) -> None:
        """Ask webhooks and policies about a connection. Raises ApiError."""
        if self.objects.hooks.any:
            attempt = Attempt(
                kind=kind,
                operation="CONNECT",
                key=Key(target.namespace or "", target.name),
                user=user,
                subresource=target.subresource,
                shown_as=str(options["kind"]),
            )
            await self.objects.hooks.mutate(attempt, options)
            await self.objects.hooks.validate(attempt, options)

    def _count(self, method: str, resource: str, code: int, seconds: float) -> None:
        # Looking a labelled metric up costs as much as a read here, so what was looked up once is kept.
        key = (method if method in METHODS else "other", resource, code)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = REQUESTS.labels(*map(str, key))
        counter.inc()
        histogram = self._histograms.get(key[0])
        if histogram is None:
            histogram = self._histograms[key[0]] = REQUEST_SECONDS.labels(key[0])
        histogram.observe(seconds)

    async def _dispatch(
        self, request: Request, user: User, kind: AnyKind | None, target: paths.Target | None
    ) -> Response | Stream:
        if target is None:
            return self._document(request)
        if kind is None:
            return self._document(request)
        if kind.virtual:
            return self._reviews.handle(request, user, kind, target)
        if target.subresource and kind.builtin:
            found = await self._beside(request, user, kind, target)
            if found is not None:
                return found
        if is_streaming(target):
            read_call(target, request.query.items())
            raise BadRequest(UPGRADE_REQUIRED)
        if (twin := self._twins.of(kind)) is not None:
            ask = partial(self._ask, user, twin.stored)
            return await self._twins.handle(request, twin, target, ask)
        return await self._rest.handle(request, user, kind, target)

    async def _beside(
        self, request: Request, user: User, kind: AnyKind, target: paths.Target
    ) -> Response | Stream | None:
        """Subresources that are no part of an object; None for all others."""
        key = Key(target.namespace or "", target.name)
        match target.subresource:
            case "log" if kind is POD:
                if request.method != "GET":
                    raise status.wrong_method()
                return await podlogs.answer(self.logs, key, request.query, now=self._clock.wall())
            case "eviction" if kind is POD:
                return await self._evictions.handle(request, user, key)
            case "proxy" if kind in PROXIED:
                options = {"kind": f"{kind.kind}ProxyOptions", "apiVersion": "v1"}
                await self.admit(user, kind, target, options | {"path": target.below})
                return await self._proxy.handle(request, kind, target)
            case "token" if kind is SERVICE_ACCOUNT:
                return self._token(request, target)
        return None

    async def _ask(
        self, user: User, kind: AnyKind, request: Request, target: paths.Target
    ) -> Response | Stream:
        return await self._rest.handle(request, user, kind, target)

    def _token(self, request: Request, target: paths.Target) -> Response:
        if request.method != "POST":
            raise status.wrong_method()
        asked, _ = codec.decode(request.body, request.headers.get("content-type", ""))
        made = self.tokens.request(Key(target.namespace or "", target.name), asked)
        return Response(201, _JSON, orjson.dumps(made))

    def _issuer(self, path: str) -> Response | None:
        """What OIDC clients ask, to check tokens by themselves."""
        keys = self.tokens.keys
        if keys is None or path not in (OPENID, JWKS):
            return None
        if path == JWKS:
            return Response(
                200, {"content-type": "application/jwk-set+json"}, orjson.dumps(keys.jwks())
            )
        found = {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}{JWKS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }
        return Response(200, _JSON, orjson.dumps(found))

    def _document(self, request: Request) -> Response:
        """Whatever is no object: discovery, OpenAPI, health, metrics."""
        path = request.path.rstrip("/")
        found = self._health(path) or self._issuer(path) or self._described(request, path)
        if found is None:
            raise status.no_such_path()
        if request.method not in ("GET", "HEAD"):
            raise status.wrong_method()
        return found

    def _health(self, path: str) -> Response | None:
        if path in HEALTH_PATHS:
            failed = self.store.failed is not None and path != "/livez"
            return Response(503 if failed else 200, _TEXT, b"store failed" if failed else b"ok")
        if path == "/metrics":
            for kind in self.kinds:
                OBJECTS.labels(kind.resource).set(self.store.count(kind.resource))
            WATCHES.set(self.store.watcher_count)
            content_type, body = metrics.exposition()
            return Response(200, {"content-type": content_type}, body)
        return None

    def _described(self, request: Request, path: str) -> Response | None:
        if path.startswith("/openapi/"):
            accept = request.headers.get("accept", "")
            described = self._openapi.answer(path, request.query, accept)
            if described is None:
                return None
            code, headers, body = described
            return _unless_known(request, Response(code, {**_JSON, **headers}, body))
        found = self._discovery.answer(path, request.headers.get("accept", ""))
        if found is None:
            return None
        content_type, body, tag = found
        headers = {"content-type": content_type} | ({"etag": tag, "vary": "Accept"} if tag else {})
        return _unless_known(request, Response(200, headers, body))

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Collect what owners, namespaces and time leave behind, until cancelled."""
        async with anyio.create_task_group() as group:
            await group.start(self._definitions.run)
            await group.start(self._collector.run)
            await group.start(self._namespaces.run)
            await group.start(self._expiry.run)
            await group.start(self._accounts.run)
            await group.start(self._signer.run)
            await group.start(self._aggregator.run)
            await group.start(self._api_services.run)
            task_status.started()
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await self.objects.hooks.aclose()
                    await self.objects.conversions.aclose()
                    await self._proxy.aclose()


def _unless_known(request: Request, answer: Response) -> Response:
    """304 for a client that has this very document already."""
    tag = answer.headers.get("etag", "")
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    return Response(304, {"etag": tag}, b"") if tag and tag in known else answer
