"""Which kinds are stored and which are only answered."""

from __future__ import annotations

from tanebi.api.core.kinds_identity import IDENTITY_KINDS, REVIEW_KINDS


def test_reviews_are_never_stored() -> None:
    assert all(kind.virtual for kind in REVIEW_KINDS)
    assert not any(kind.virtual for kind in IDENTITY_KINDS)
    assert {kind.resource for kind in REVIEW_KINDS} >= {
        "tokenreviews.authentication.k8s.io",
        "selfsubjectaccessreviews.authorization.k8s.io",
    }
