"""Marks of tests that need what a machine may not have. CI promises all of it: what is missing there fails."""

from __future__ import annotations

import shutil
from typing import Final

import pytest

from tanebi.base.settings import environment

CI_VARIABLE: Final = "TANEBI_CI"


def skipped_but_in_ci(missing: bool, reason: str) -> pytest.MarkDecorator:
    """`missing`: whether what the test needs is not here."""
    return pytest.mark.skipif(missing and CI_VARIABLE not in environment(), reason=reason)


def kubectl_missing() -> pytest.MarkDecorator:
    """Skips without kubectl, but not in CI."""
    missing = shutil.which("kubectl") is None
    return skipped_but_in_ci(missing, "kubectl is not installed (CI installs it)")
