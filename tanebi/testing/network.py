"""Whether tests may make network namespaces here."""

from __future__ import annotations

import os
import subprocess
from typing import Final

import pytest

from tanebi.testing.skipping import skipped_but_in_ci

SUPERUSER: Final = 0


def network_missing() -> pytest.MarkDecorator:
    """Skips for who is not root, but not in CI, which is."""
    return skipped_but_in_ci(os.geteuid() != SUPERUSER, "network namespaces take root")


def user_namespaces_missing() -> pytest.MarkDecorator:
    """Skips where nobody may make a user namespace, but not in CI."""
    done = subprocess.run(["unshare", "-Un", "true"], capture_output=True, check=False)
    return skipped_but_in_ci(done.returncode != 0, "no user namespaces here")
