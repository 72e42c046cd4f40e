"""Notice that a pod is over, while something else goes on with it. Caller: tanebi.cli.portforward."""

from __future__ import annotations

import json
from urllib.parse import quote

from tanebi.cli.answers import Answer
from tanebi.cli.client import ApiFailure
from tanebi.cli.podnames import POD, Obj, runs
from tanebi.cli.websocket import Door


async def until_gone(door: Door, pod: Obj) -> None:
    """Return when the pod does not run any more, or another has its name. Raises TanebiError."""
    meta = pod["metadata"]
    path, name = POD.path(meta["namespace"]), meta["name"]
    while pod["metadata"]["uid"] == meta["uid"] and runs(pod):
        query = {
            "watch": "true",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": pod["metadata"]["resourceVersion"],
        }
        try:
            async with await door.ask(path, query.items()) as lines:
                if await _ends(lines):
                    return
        except ApiFailure as error:
            if error.status != 410:  # the version is too old to watch from
                raise
        # The server ends a watch now and then: look again.
        try:
            async with await door.ask(f"{path}/{quote(name, safe='')}") as lines:
                if line := await lines.line():
                    pod = json.loads(line)
        except ApiFailure as error:
            if error.status != 404:
                raise
            return


async def _ends(lines: Answer) -> bool:
    """Whether the pod ended before the watch did."""
    while (line := await lines.line()) is not None:
        event = json.loads(line)
        if event["type"] == "ERROR":
            return False
        if event["type"] == "DELETED" or not runs(event["object"]):
            return True
    return False
