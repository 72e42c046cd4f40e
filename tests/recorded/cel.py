"""Has a real kube-apiserver evaluate the expressions of cel_expressions.txt, and writes their values to answers/cel.jsonl.

    python -m tests.recorded.cel --server https://127.0.0.1:26443 --token admin

An admission policy fails every validation; the message of each is an expression's value as text, and comes as a warning. An
expression that cannot be evaluated has no message of its own: null. One that does not compile: false.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path
from typing import Any, Final

import httpx

FOLDER: Final = Path(__file__).parent
POLICIES: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
AT_ONCE: Final = 16
TRIES: Final = 100
_WARNING: Final = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


def expressions() -> list[str]:
    lines = (FOLDER / "cel_expressions.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def policy(name: str, asked: list[str]) -> list[dict[str, Any]]:
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["configmaps"],
    }
    validations = [
        {"expression": "false", "messageExpression": f"'{n}=' + string({text})"}
        for n, text in enumerate(asked)
    ]
    only = {"name": "only", "expression": f"object.metadata.name == '{name}'"}
    group = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "matchConditions": [only],
                "validations": validations,
            },
        },
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Warn"]},
        },
    ]


def evaluated(client: httpx.Client, name: str, asked: list[str]) -> list[str | bool | None]:
    values: list[str | bool | None] = [None] * len(asked)
    while True:
        whole, binding = policy(
            name, [e if v is None else "''" for e, v in zip(asked, values, strict=True)]
        )
        found = client.post(POLICIES, json=whole)
        if found.status_code < 300:
            break
        for cause in found.json()["details"]["causes"]:
            values[int(re.findall(r"validations\[(\d+)\]", cause["field"])[0])] = False
    client.post(BINDINGS, json=binding).raise_for_status()
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    where = "/api/v1/namespaces/default/configmaps?dryRun=All"
    for _ in range(TRIES):
        answer = client.post(where, json=config_map)
        told = [
            t for header in answer.headers.get_list("warning") for t in _WARNING.findall(header)
        ]
        for text in told:
            if said := re.search(r"binding '[^']*': (\d+)=(.*)", text, re.S):
                number = int(said[1])
                if values[number] is None:
                    values[number] = json.loads(f'"{said[2]}"')
        if told:
            return values
        time.sleep(0.2)
    raise SystemExit(f"{name}: the policy was never asked")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--token", required=True)
    wanted = parser.parse_args()
    headers = {"authorization": f"Bearer {wanted.token}"}
    asked, lines = expressions(), []
    with httpx.Client(base_url=wanted.server, verify=False, headers=headers) as client:
        for start in range(0, len(asked), AT_ONCE):
            part = asked[start : start + AT_ONCE]
            values = evaluated(client, f"cel-{start}", part)
            lines += [
                json.dumps([e, v], ensure_ascii=False) for e, v in zip(part, values, strict=True)
            ]
    (FOLDER / "answers" / "cel.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
