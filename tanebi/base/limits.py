"""What the system lets one process have. Caller: tanebi.up."""

from __future__ import annotations

import resource


def raise_file_limit() -> int:
    """Take all the open files this user may have, and return how many. Most systems begin at 1024, for programs that use
    select(); each connection here is one, and five busy triggers alone may hold as many.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
