"""Where we answer otherwise on purpose: a pattern of the difference, and the reason.

What differs and should not is in remaining.txt.
"""

from __future__ import annotations

import re
from typing import Final

# In every story.
EVERYWHERE: Final[dict[str, str]] = {
    r"\.spec\.serviceAccount(Name)?: 'default', recorded absent": "the server recorded ran without the admission of accounts",
    r"\.spec\.tolerations: absent": "no taint of this machine's node drives pods away",
    r"\.message: \"?.*operation \d.*recorded 'the server rejected our request due": "ours says which operation failed, and why",
    r"\.message: \"?.*error decoding patch: .*recorded \"?.error decoding": "the decoder's own words",
    r"\.message: .*recorded '(415: Unsupported|406: Not Acc)": "ours says what would be taken",
    r"\.details: absent, recorded \{\}": "empty details say nothing",
    r"definitions.*: \.status\.(acceptedNames|conditions)": "Go writes the zero values of a status that is not there yet",
    r"code: 400, recorded 422: the (kind|API version) in the data": "ours says it where Go's decoder stumbles later",
    r"pods.*: \.metadata\.generation: \d+, recorded absent": "pods have a generation, as from Kubernetes 1.33",
    r"f:spec\.f:(priority|preemptionPolicy|serviceAccount(Name)?): \{\}, recorded absent": "what admission fills in counts as "
    "the writer's",
    r"f:spec\.f:ipFamil(ies|yPolicy): \{\}, recorded absent": "they are defaults here, not given with the address",
    r"f:last(Probe|Transition)Time: absent": "Go owns the nulls it writes",
    r"daemonsets: \.rows\[\d+\]\.object\.metadata\.annotations: \{'deprecated": "metadata is "
    "the same wherever it is shown",
    r"template\.f:metadata\.f:creationTimestamp: absent": "Go owns the nulls it writes",
    r"core\.SecurityContext\{": "ours shows the members that matter",
    r"ResourceVersion in the precondition \(1\)": "versions count the writes of one server",
    r"AdditionalErrorMsg: Precondition failed": "there is no such storage here",
    r"PodDisruptionBudgetSpec\{MinAvailable": "ours does not show addresses of its memory",
    r"GET .*definitions/.*managedFields": "who writes a definition's status is not told",
    r"DELETE .*definitions/": "a definition goes at once here, or says that it is going",
    r"storageVersionHash: absent": "there is no hash of a storage version",
    r"GET /api/v1: \.apiVersion": "it is version v1 of that list",
    r"items\[\d+\]\.(apiVersion|kind)": "an item of a list says what it is here, too",
    r"\.status\.\w+: absent, recorded (0|\{\})$": "Go writes the zeros of a status that nobody wrote yet",
    r"GET /version": "another server",
    r"recorded '404 page not found": "a path that is not there is told by a Status",
    r"\.metadata\.(time|managedFields\[\d+\]\.time): '<time>', recorded absent": "Kubernetes forgets some times",
    r"code: 400, recorded 500: (Invalid value: 'x': resourceVersion|resourceVersion should not)": "the client is at fault",
    r"initial-events-list-blueprint": "an annotation that no client reads",
    r"json: cannot unmarshal .* into Go struct field": "which of Go's types and what number it reads is not imitated",
}
KNOWN: Final[dict[str, dict[str, str]]] = {
    "json patch": {
        r"^29 .*warnings": "what fails is not warned of, too",
        r"(data\.n|f:data\.f:n): absent": "a null among strings is no empty string here",
    },
    "apply refused": {
        r"(^1[12] .*message:)": "the decoder's own words",
        r"^13 .*code: 415, recorded 406": "no body has no type",
        r"(data|f:data\.f:x): absent": "a null among strings is no empty string here",
    },
    "strategic merge patch": {
        r"^2\d .*metadata\.generation": "annotations of a Deployment do not count as a change of it",
        r"^29 ": "the order of the complaints, and those about a selector that is not there",
        r"^31 .*message": "the decoder's own words",
        r"\.message: .*the order in the patch": "ours says where",
        r"\.message: .*invalid patch format of retainKeys: ": "ours says which",
    },
    "strategic merge of services and pods": {
        r"^11 .*code: 200": "a pod gets its node by an update here",
        r"nodeName: ": "the same",
    },
    "patches of a custom kind": {
        r"^10 .*status\.n in body": "the path in the text is the whole one",
    },
    "apply whole": {
        r"^14 .*managedFields\[2\]\.time": "Kubernetes forgets when a scale was applied",
    },
    "apply ports of a service": {
        r"^7 .*spec\.ports\[2\]": "a port that is not there is told once",
        r"^11 DELETE": "a deletion answers with a Status",
    },
    "apply of a custom kind": {
        r"^27 .*code: 422, recorded 500": "a wrong type is the schema's to tell",
    },
    "apply of pods": {
        r"status\.podIP: absent": "podIPs does not fill in podIP",
        r"^2 .*pod updates may not change": "the difference of both pods is not printed",
    },
}


def explained(story: str, line: str) -> bool:
    """Whether there is a reason for the difference that `line` tells."""
    return any(re.search(pattern, line) for pattern in (*EVERYWHERE, *KNOWN.get(story, ())))
