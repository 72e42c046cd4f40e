"""Whether tests may make network namespaces here."""

from __future__ import annotations

import os
import subprocess
from typing import Final

import pytest

from tanebi.base.settings import environment
from tanebi.testing.engine import CI_VARIABLE

SUPERUSER: Final = 0


def network_missing() -> pytest.MarkDecorator:
    """Skips for who is not root, but not in CI, which is."""
    missing = os.geteuid() != SUPERUSER and CI_VARIABLE not in environment()
    return pytest.mark.skipif(missing, reason="network namespaces take root")


def user_namespaces_missing() -> pytest.MarkDecorator:
    """Skips where nobody may make a user namespace, but not in CI."""
    done = subprocess.run(["unshare", "-Un", "true"], capture_output=True, check=False)
    missing = done.returncode != 0 and CI_VARIABLE not in environment()
    return pytest.mark.skipif(missing, reason="no user namespaces here")
