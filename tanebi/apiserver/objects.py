"""The verbs on stored objects: what create, update and delete mean, whoever asks and in whatever form.

Everything up to the commit is synchronous, so a write is decided against the newest state and cannot race with another one.
Not here: HTTP, patches' algebra (tanebi.apiserver.patch), collecting dependents (tanebi.apiserver.gc).
Callers: tanebi.apiserver.rest, gc, namespaces, bootstrap.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from tanebi.api.core import certificates
from tanebi.api.core.batch_rules import select_own_pods
from tanebi.api.core.kinds import DEPLOYMENT, EVENT, NAMESPACE, POD, SERVICE
from tanebi.api.core.kinds_administration import CERTIFICATE_REQUEST
from tanebi.api.core.kinds_hosting import VOLUME_ATTACHMENT
from tanebi.api.core.kinds_workload import JOB
from tanebi.api.core.plain_rules import NAME_LABEL, complete_event
from tanebi.api.core.pod_defaults import qos_class
from tanebi.api.core.pod_validation import EPHEMERAL
from tanebi.api.kind import Admission, AnyKind, Kinds, Operation
from tanebi.api.meta import Key, Obj, annotations_of
from tanebi.apiserver import deletion, metadata, status
from tanebi.apiserver.addresses import Addresses
from tanebi.apiserver.admission import Gatekeeper, decode
from tanebi.apiserver.configs import StoreConfigs
from tanebi.apiserver.conversion import Conversions
from tanebi.apiserver.definitions.own import OWN
from tanebi.apiserver.definitions.types import CRD
from tanebi.apiserver.editions import private, shown, to_store
from tanebi.apiserver.history import Entry
from tanebi.apiserver.limitranges import LimitRanges
from tanebi.apiserver.options import DeleteOptions, WriteOptions
from tanebi.apiserver.podclasses import PodClasses
from tanebi.apiserver.quota import Quotas
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import CONTROLLER, User
from tanebi.apiserver.webhooks.hooks import Hooks
from tanebi.apiserver.webhooks.match import Attempt
from tanebi.base.clock import Clock
from tanebi.base.rng import Rng, name_suffix, new_uid
from tanebi.kube.errors import Forbidden, InvalidObject, MethodNotAllowed

GENERATE_TRIES: Final = 8
SYSTEM: Final = "system:"  # how the names of the platform's own parts begin
RACES_MAX: Final = 8
# Kubernetes' NamespaceLifecycle admission protects the same three.
_BESIDE_STATUS: Final = (
    "annotations",
    "labels",
)  # what a status of a built-in kind may bring along
IMMORTAL: Final = frozenset({"default", "kube-system", "kube-public"})

Change = Callable[[Obj], Obj]
Manage = Callable[[Obj, Obj | None], Obj]
Guard = Callable[[AnyKind, Obj, Obj | None, User], None]  # raises Forbidden
Complete = Callable[[AnyKind, Key, Obj], None]  # raises Forbidden


@dataclass(slots=True)
class Written:
    """What a write made of it. `removed`: the object is gone, `entry` its last state."""

    entry: Entry
    warnings: list[str] = field(default_factory=list)
    created: bool = False
    removed: bool = False


class _Overtaken(Exception):
    """While a webhook converted an object, somebody else wrote it."""


@dataclass(slots=True)
class Draft:
    """What is to be written, before it is checked. `old` None: it is new."""

    kind: AnyKind
    key: Key
    obj: Obj
    old: Obj | None
    admission: Admission
    warnings: list[str]


class Objects:
    """All objects of all kinds."""

    def __init__(
        self, store: Store, configs: StoreConfigs, *, kinds: Kinds, clock: Clock, rng: Rng
    ) -> None:
        self.store = store
        self.hooks = Hooks(store, kinds, rng)
        self.conversions = Conversions(store, rng)
        self.clock = clock
        self.guard: Guard = _no_guard
        self.complete_new: Complete = _as_it_is  # after defaults, before webhooks
        self._gate = Gatekeeper(configs)
        self._addresses = Addresses(store)
        self._quotas = Quotas(store)
        self._ranges = LimitRanges(store)
        self._classes = PodClasses(store)
        self._rng = rng

    def newest(self, kind: AnyKind, key: Key) -> Entry:
        """The state writes are decided against. Raises NotFound."""
        entry = self.store.newest(kind.resource, key)
        if entry is None:
            raise status.not_found(kind, key.name)
        return entry

    # --- create ---------------------------------------------------------------------------------

    async def create(
        self,
        kind: AnyKind,
        namespace: str | None,
        raw: Obj,
        user: User,
        *,
        options: WriteOptions,
        name: str = "",
        twice: list[str] | None = None,
        manage: Manage | None = None,
    ) -> Written:
        """Admit and store a new object. `manage(obj, old)` writes managedFields.

        Raises AlreadyExists, BadRequest, Forbidden, InvalidObject, NotFound (its namespace), Unavailable.
        """
        metadata.check_identity(kind, raw)
        decoded = decode(kind, raw, validation=options.field_validation, twice=twice or ())
        obj, now = decoded.obj, self.clock.wall()
        meta = obj["metadata"]
        metadata.check_place(kind, meta, namespace, name)
        metadata.begin(kind, meta, uid=new_uid(self._rng), now=now)
        self._name(kind, meta)
        if kind.status:
            obj.pop("status", None)
        key = Key(meta.get("namespace") or "", str(meta.get("name") or ""))
        self._check_place(kind, key)
        admission = self._admission("CREATE", user, options, now)
        obj = self._gate.complete(kind, obj, None, admission)
        if kind.builtin and kind.status:
            obj.setdefault("status", {})  # as Go writes it; clients read on without looking
        self.complete_new(kind, key, obj)
        draft = Draft(kind, key, obj, None, admission, decoded.warnings)
        if self.hooks.any:
            await self._ask_hooks(draft, user, options)
            self._check_place(kind, key)
        owned = manage(draft.obj, None) if manage else draft.obj
        self._assign(kind, draft.obj, None, user)
        self._classes.apply(kind, key, draft.obj)
        self._ranges.apply(kind, key, draft.obj)
        warnings = draft.warnings + self._gate.check(kind, draft.obj, None, admission)
        if (there := self.store.newest(kind.resource, key)) is not None:
            leaving = bool(there.obj["metadata"].get("deletionTimestamp"))
            raise status.already_exists(kind, key.name, leaving=leaving)
        if managed := owned["metadata"].get("managedFields"):
            draft.obj["metadata"]["managedFields"] = (
                managed  # what only the server gives is nobody's
            )
        obj = metadata.ordered(draft.obj, kind)
        if kind is POD:
            obj["status"]["qosClass"] = qos_class(obj["spec"])
        self._quotas.check(kind, key, obj)
        try:
            entry = await self._put(kind, key, obj, None, options)
        except _Overtaken as error:
            raise status.already_exists(kind, key.name) from error
        return Written(entry, warnings, created=True)

    async def _ask_hooks(self, draft: Draft, user: User, options: WriteOptions) -> None:
        """Ask the webhooks about a draft, and complete what they made of it. Time passes here. Raises ApiError."""
        kind, old, admission = draft.kind, draft.old, draft.admission
        attempt = Attempt(
            kind=kind,
            operation=admission.operation,
            key=draft.key,
            user=user,
            subresource=admission.subresource,
            old=old,
            options=_as_options(admission.operation, options),
            dry_run=options.dry_run,
        )
        made = await self.hooks.mutate(attempt, draft.obj)
        draft.warnings = draft.warnings + made.warnings
        if made.changed:
            obj = decode(kind, made.obj, validation="Ignore").obj
            metadata.keep_identity(obj["metadata"], draft.obj["metadata"])
            if old is not None:
                obj = _only(kind, obj, old, admission)
            draft.obj = obj
            if _is_whole(kind, admission.subresource):
                draft.obj = self._gate.complete(kind, obj, old, admission)
        if _is_whole(kind, admission.subresource):
            self._gate.check(kind, draft.obj, old, admission)
        draft.warnings = draft.warnings + await self.hooks.validate(attempt, draft.obj)

    def _check_place(self, kind: AnyKind, key: Key) -> None:
        self._check_namespace(kind, key)
        self._check_definition(kind)

    def _check_own(self, kind: AnyKind, key: Key) -> None:
        """A definition of the server's own is read by clients and never written."""
        if kind is not CRD:
            return
        entry = self.store.newest(kind.resource, key)
        if entry is not None and annotations_of(entry.obj).get(OWN):
            why = "this kind is built into the server, and its definition with it"
            raise Forbidden(
                f'{kind.resource} "{key.name}" is forbidden: {why}',
                details=status.of_kind(kind, key.name),
            )

    def _check_definition(self, kind: AnyKind) -> None:
        if kind.structure is None:
            return
        entry = self.store.newest(CRD.resource, Key("", kind.resource))
        if entry is None or entry.obj["metadata"].get("deletionTimestamp"):
            raise MethodNotAllowed(
                "create not allowed while custom resource definition is terminating",
                details=status.of_kind(kind),
            )

    def _assign(self, kind: AnyKind, obj: Obj, old: Obj | None, user: User) -> None:
        """Who may write this at all; and give a Service what only the server can give."""
        self.guard(kind, obj, old, user)
        if kind is CERTIFICATE_REQUEST and old is None:
            obj["spec"] |= {name: user.info().get(name) for name in ("groups", "uid", "extra")}
            obj["spec"] = {k: v for k, v in obj["spec"].items() if v} | {"username": user.name}
        if kind is JOB and old is None:
            select_own_pods(obj)
        elif kind is EVENT:
            complete_event(obj)
        if kind is not SERVICE:
            return
        errors = self._addresses.assign(obj, old, own=user.name.startswith(SYSTEM))
        if errors:
            name = str(obj["metadata"].get("name") or "")
            raise status.invalid(kind, name, status.field_causes(errors))

    def _name(self, kind: AnyKind, meta: Obj) -> None:
        base = str(meta.get("generateName") or "")
        if meta.get("name") or not base:
            return
        for _ in range(GENERATE_TRIES):
            name = f"{base[: metadata.GENERATED_BASE_MAX]}{name_suffix(self._rng)}"
            if self.store.newest(kind.resource, Key(meta.get("namespace") or "", name)) is None:
                meta["name"] = name
                return
        raise status.already_exists(kind, base)

    def _check_namespace(self, kind: AnyKind, key: Key) -> None:
        if not kind.namespaced:
            return
        space = self.newest(NAMESPACE, Key("", key.namespace))
        if not space.obj["metadata"].get("deletionTimestamp"):
            return
        why = f"unable to create new content in namespace {key.namespace} because it is being terminated"
        told = f"namespace {key.namespace} is being terminated"
        cause = status.cause("NamespaceTerminating", "metadata.namespace", told)
        raise Forbidden(
            f'{kind.resource} "{key.name}" is forbidden: {why}',
            details=status.of_kind(kind, key.name) | {"causes": [cause]},
        )

    # --- update ---------------------------------------------------------------------------------

    async def update(
        self,
        kind: AnyKind,
        key: Key,
        change: Change,
        user: User,
        *,
        options: WriteOptions,
        subresource: str = "",
        twice: list[str] | None = None,
        manage: Manage | None = None,
        unconditional: bool = False,
    ) -> Written:
        """Replace the object by `change(a private copy of it)`. An unchanged object is not written.

        `unconditional`: a result without a resourceVersion is fine for any kind (patches).
        Raises NotFound, Conflict, BadRequest, InvalidObject, Unavailable.
        """
        for _ in range(RACES_MAX):
            before = self.newest(kind, key)
            if kind.converter is not None:
                await self.conversions.ready(kind, (before,))
                if self.store.newest(kind.resource, key) is not before:
                    continue
            draft = self._drafted(
                kind,
                key,
                before,
                change,
                user,
                options=options,
                subresource=subresource,
                twice=twice or [],
                unconditional=unconditional,
            )
            if self.hooks.any and subresource != "finalize":
                await self._ask_hooks(draft, user, options)
                if self.store.newest(kind.resource, key) is not before:
                    continue  # time has passed: what was asked is not what would be written
            try:
                return await self._settle(draft, before, user, manage, options)
            except _Overtaken:
                continue
        raise status.conflict(kind, key.name)

    def _drafted(
        self,
        kind: AnyKind,
        key: Key,
        before: Entry,
        change: Change,
        user: User,
        *,
        options: WriteOptions,
        subresource: str,
        twice: list[str],
        unconditional: bool,
    ) -> Draft:
        """What the caller wants instead of `before`, defaults included."""
        self._check_own(kind, key)
        old = shown(kind, before)[0]
        raw = change(private(kind, before))
        if unconditional:
            metadata.check_named(raw.get("metadata") or {}, key.name)
        metadata.check_identity(kind, raw)
        decoded = decode(kind, raw, validation=options.field_validation, twice=twice)
        obj, now = decoded.obj, self.clock.wall()
        meta = obj["metadata"]
        metadata.check_place(kind, meta, key.namespace or None, key.name)
        _check_preconditions(kind, key, meta, before, patched=unconditional)
        metadata.carry_over(meta, old["metadata"])
        admission = self._admission("UPDATE", user, options, now, subresource)
        obj = _only(kind, obj, old, admission)
        if _is_whole(kind, subresource):
            obj = self._gate.complete(kind, obj, old, admission)
        return Draft(kind, key, obj, old, admission, decoded.warnings)

    async def _settle(
        self,
        draft: Draft,
        before: Entry,
        user: User,
        manage: Manage | None,
        options: WriteOptions,
    ) -> Written:
        """Check a draft of an update and write it; synchronous up to the commit."""
        kind, key, obj, old = draft.kind, draft.key, draft.obj, draft.old
        assert old is not None, "a new object is not settled"
        warnings, subresource = draft.warnings, draft.admission.subresource
        if _is_whole(kind, subresource):
            self._assign(kind, obj, old, user)
            warnings = warnings + self._gate.check(kind, obj, old, draft.admission)
        if subresource in ("", EPHEMERAL):
            _bump(kind, obj, old)
        obj = metadata.ordered(obj, kind)
        obj = manage(obj, old) if manage else obj
        if metadata.finished(obj):
            return await self._remove(kind, key, before, options)
        if metadata.same(obj, old):
            return Written(before, warnings)
        return Written(await self._put(kind, key, obj, before, options), warnings)

    # --- delete ---------------------------------------------------------------------------------

    async def delete(
        self, kind: AnyKind, key: Key, user: User, *, options: DeleteOptions
    ) -> Written:
        """Begin or complete a deletion. Raises NotFound, Conflict (preconditions), Unavailable, what webhooks refuse."""
        warnings: list[str] = []
        if self.hooks.any:
            before = self.newest(kind, key)
            await self.conversions.ready(kind, (before,))
            old = shown(kind, before)[0]
            asked: Obj = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"}
            attempt = Attempt(
                kind, "DELETE", key, user, old=old, options=asked, dry_run=options.dry_run
            )
            warnings = (await self.hooks.mutate(attempt, None)).warnings
            warnings += await self.hooks.validate(attempt, None)
        before = self.newest(kind, key)
        self._check_own(kind, key)
        meta = before.obj["metadata"]
        if kind is NAMESPACE and key.name in IMMORTAL:
            raise Forbidden(
                f'namespaces "{key.name}" is forbidden: this namespace may not be deleted',
                details=status.of_kind(kind, key.name),
            )
        if options.uid and options.uid != meta.get("uid"):
            why = (
                f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta.get('uid')}). "
                "The object might have been deleted and then recreated"
            )
            raise status.conflict_of(kind, key.name, why)
        if options.resource_version and options.resource_version != meta.get("resourceVersion"):
            why = (
                f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
                f"ResourceVersion in record ({meta.get('resourceVersion')}). The object might have been modified"
            )
            raise status.conflict_of(kind, key.name, why)
        write = WriteOptions(dry_run=options.dry_run)
        obj = deletion.begin(kind, before.obj, options, now=self.clock.wall())
        if obj is None:
            return await self._remove(kind, key, before, write, warnings)
        if metadata.same(obj, before.obj):
            return Written(before, warnings)
        return Written(await self._put_stored(kind, key, obj, before, write), warnings)

    async def amend(
        self, kind: AnyKind, key: Key, uid: str, change: Callable[[Obj], None]
    ) -> Written:
        """Change metadata or finalizers of the object with this uid, past admission: for the collectors alone.

        Raises NotFound (also when the name is another object's now), Unavailable.
        """
        before = self.newest(kind, key)
        if before.uid != uid:
            raise status.not_found(kind, key.name)
        obj: Obj = orjson.loads(before.body)
        change(obj)
        options = WriteOptions()
        if metadata.finished(obj):
            return await self._remove(kind, key, before, options)
        if metadata.same(obj, before.obj):
            return Written(before)
        return Written(await self._put_stored(kind, key, obj, before, options))

    # --- the store ------------------------------------------------------------------------------

    async def _put(
        self, kind: AnyKind, key: Key, obj: Obj, over: Entry | None, options: WriteOptions
    ) -> Entry:
        """Write `obj`, which is in the version of `kind`. Raises _Overtaken."""
        if kind.converter is None or options.dry_run:
            stored = to_store(kind, obj) if kind.converter is None else obj
            return await self._put_stored(kind, key, stored, over, options)
        stored = await self.conversions.stored(kind, obj)
        if self.store.newest(kind.resource, key) is not over:
            raise _Overtaken
        entry = await self._put_stored(kind, key, stored, over, options)
        await self.conversions.ready(kind, (entry,))
        return entry

    async def _put_stored(
        self, kind: AnyKind, key: Key, obj: Obj, over: Entry | None, options: WriteOptions
    ) -> Entry:
        if options.dry_run:
            if over is not None:
                obj["metadata"]["resourceVersion"] = over.obj["metadata"]["resourceVersion"]
            return Entry.of(obj, over.rv if over else 0)
        return await self.store.put(kind.resource, key, obj, over=over)

    async def _remove(
        self,
        kind: AnyKind,
        key: Key,
        over: Entry,
        options: WriteOptions,
        warnings: list[str] | None = None,
    ) -> Written:
        told = warnings or []
        if options.dry_run:
            return Written(over, told, removed=True)
        return Written(await self.store.remove(kind.resource, key, over=over), told, removed=True)

    def _admission(
        self,
        operation: Operation,
        user: User,
        options: WriteOptions,
        now: datetime,
        subresource: str = "",
    ) -> Admission:
        return Admission(
            operation=operation,
            user=user.name,
            now=now,
            configs=self._gate.configs,
            subresource=subresource,
            dry_run=options.dry_run,
        )


def _is_whole(kind: AnyKind, subresource: str) -> bool:
    """Whether a write goes through all of admission."""
    return (
        subresource in ("", EPHEMERAL) or kind.structure is not None or kind is CERTIFICATE_REQUEST
    )


def _as_it_is(kind: AnyKind, key: Key, obj: Obj) -> None:
    pass


def _no_guard(kind: AnyKind, obj: Obj, old: Obj | None, user: User) -> None:
    """Whoever reached this may write."""


def _check_preconditions(
    kind: AnyKind, key: Key, meta: Obj, before: Entry, *, patched: bool
) -> None:
    have = before.obj["metadata"]
    if (uid := meta.get("uid")) and uid != have.get("uid"):
        if patched:
            text = f"Invalid value: {orjson.dumps(uid).decode()}: field is immutable"
            cause = status.cause("FieldValueInvalid", "metadata.uid", text)
            raise status.invalid(kind, key.name, [cause])
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {have.get('uid')}"
        raise status.conflict(kind, key.name, why)
    version = meta.get("resourceVersion")
    if version and version != have["resourceVersion"]:
        raise status.conflict(kind, key.name)
    if not version and not patched and not kind.builtin:
        text = "Invalid value: 0x0: must be specified for an update"
        cause = status.cause("FieldValueInvalid", "metadata.resourceVersion", text)
        details = status.of_kind(kind, key.name) | {"causes": [cause]}
        told = f'{kind.resource} "{key.name}" is invalid: metadata.resourceVersion: {text}'
        raise InvalidObject(told, details=details)


def _only(kind: AnyKind, obj: Obj, old: Obj, admission: Admission) -> Obj:
    """The part of `obj` that this door lets through, on top of what is stored."""
    subresource = admission.subresource
    if not subresource:
        if not kind.status:
            return obj
        rest = {k: v for k, v in obj.items() if k != "status"}
        # A copy: what comes next may complete the object in place, and `old` belongs to every reader.
        return rest | ({"status": copy.deepcopy(old["status"])} if "status" in old else {})
    if subresource == EPHEMERAL:
        added = (obj.get("spec") or {}).get("ephemeralContainers")
        return old | {"spec": old["spec"] | ({"ephemeralContainers": added} if added else {})}
    if subresource == "finalize":
        meta = obj["metadata"]
        meta["labels"] = {**(meta.get("labels") or {}), NAME_LABEL: meta["name"]}
        return old | {"metadata": meta, "spec": obj.get("spec") or {}}
    meta = dict(old["metadata"])
    if "managedFields" in obj["metadata"]:
        meta["managedFields"] = obj["metadata"]["managedFields"]
    # Our own parts write a status over metadata that they have seen some time ago.
    whole = kind.builtin and kind not in (CRD, VOLUME_ATTACHMENT)
    for name in _BESIDE_STATUS if whole and admission.user != CONTROLLER.name else ():
        if name == "labels" and kind is DEPLOYMENT:
            continue  # as Kubernetes' own strategies have it
        meta.pop(name, None)
        if name in obj["metadata"]:
            meta[name] = obj["metadata"][name]
    rest = {k: v for k, v in old.items() if k != "status"} | {"metadata": meta}
    if kind is CERTIFICATE_REQUEST:
        written = certificates.approval_of if subresource == "approval" else certificates.status_of
        return rest | {"status": written(obj, old)}
    return rest | ({"status": obj["status"]} if "status" in obj else {})


def _bump(kind: AnyKind, obj: Obj, old: Obj) -> None:
    if kind.has_generation and metadata.spec_part(kind, obj) != metadata.spec_part(kind, old):
        obj["metadata"]["generation"] = int(old["metadata"].get("generation") or 0) + 1


def _as_options(operation: Operation, options: WriteOptions) -> Obj:
    """As webhooks see them."""
    name = "CreateOptions" if operation == "CREATE" else "UpdateOptions"
    found: Obj = {"kind": name, "apiVersion": "meta.k8s.io/v1", "fieldManager": options.manager}
    return found | ({"dryRun": ["All"]} if options.dry_run else {})
