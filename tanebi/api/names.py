"""Kubernetes' grammar of names, with its own wording of what is wrong."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

LABEL_MAX: Final = 63
SUBDOMAIN_MAX: Final = 253
PORT_NAME_MAX: Final = 15

_DNS1123_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS1035_LABEL: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_DNS1123_LABEL}(\.{_DNS1123_LABEL})*"
_QUALIFIED: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = f"({_QUALIFIED})?"


def _too_long(limit: int) -> str:
    return f"must be no more than {limit} characters"


def _regex_hint(rule: str, regex: str, *examples: str) -> str:
    shown = ", ".join(f"'{e}'" if i == 0 else f" or '{e}'" for i, e in enumerate(examples))
    return f"{rule} (e.g. {shown}, regex used for validation is '{regex}')"


def dns1035_label(name: str) -> list[str]:
    """What is wrong with `name` as an RFC 1035 label; empty when nothing is."""
    errors = [_too_long(LABEL_MAX)] if len(name) > LABEL_MAX else []
    if not _fits(_DNS1035_LABEL, name):
        errors.append(
            _regex_hint(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
                "an alphabetic character, and end with an alphanumeric character",
                _DNS1035_LABEL,
                "my-name",
                "abc-123",
            )
        )
    return errors


def _fits(pattern: str, text: str) -> bool:
    if len(text) > SUBDOMAIN_MAX:  # too long to be anything, and to be kept
        return re.fullmatch(pattern, text) is not None
    return _fits_as_before(pattern, text)


@lru_cache(maxsize=4096)  # the same labels and names come with every write
def _fits_as_before(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def dns1123_label(name: str) -> list[str]:
    errors = [_too_long(LABEL_MAX)] if len(name) > LABEL_MAX else []
    if not _fits(_DNS1123_LABEL, name):
        errors.append(
            _regex_hint(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
                "must start and end with an alphanumeric character",
                _DNS1123_LABEL,
                "my-name",
                "123-abc",
            )
        )
    return errors


def dns1123_subdomain(name: str) -> list[str]:
    errors = [_too_long(SUBDOMAIN_MAX)] if len(name) > SUBDOMAIN_MAX else []
    if not _fits(_SUBDOMAIN, name):
        errors.append(
            _regex_hint(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
                "'.', and must start and end with an alphanumeric character",
                _SUBDOMAIN.replace("(\\.", "(\\."),
                "example.com",
            )
        )
    return errors


def path_segment(name: str) -> list[str]:
    """What may stand between two slashes of a path: the names of roles and bindings."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{bad}'" for bad in "/%" if bad in name]


def qualified_name(name: str) -> list[str]:
    """A label or annotation key: `[prefix/]name`."""
    prefix, slash, rest = name.rpartition("/")
    errors: list[str] = []
    if slash:
        errors = [f"prefix part {e}" for e in dns1123_subdomain(prefix)]
    if len(rest) > LABEL_MAX:
        errors.append(f"name part {_too_long(LABEL_MAX)}")
    if not _fits(_QUALIFIED, rest):
        errors.append(
            _regex_hint(
                "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
                "with an alphanumeric character",
                _QUALIFIED,
                "MyName",
                "my.name",
                "123-abc",
            )
        )
    return errors


def label_value(value: str) -> list[str]:
    errors = [_too_long(LABEL_MAX)] if len(value) > LABEL_MAX else []
    if not _fits(_LABEL_VALUE, value):
        errors.append(
            _regex_hint(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
                "'.', and must start and end with an alphanumeric character",
                _LABEL_VALUE,
                "MyValue",
                "my_value",
                "12345",
            )
        )
    return errors


def port_name(name: str) -> list[str]:
    """The grammar of IANA service names."""
    bare = name.replace("-", "")
    checks = (
        (len(name) <= PORT_NAME_MAX, f"must be no more than {PORT_NAME_MAX} characters"),
        (
            bare.isascii() and bare.isalnum() and bare == bare.lower(),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (any("a" <= char <= "z" for char in name), "must contain at least one letter (a-z)"),
        ("--" not in name, "must not contain consecutive hyphens"),
        (
            not (name.startswith("-") or name.endswith("-")),
            "must not begin or end with a hyphen",
        ),
    )
    return [words for good, words in checks if not good]


def child_name(parent: str, suffix: str) -> str:
    """`parent` + `suffix`, shortened with a digest when longer than a label (knative.dev/pkg kmeta.ChildName)."""
    full = f"{parent}{suffix}"
    if len(full) <= LABEL_MAX:
        return full
    room = LABEL_MAX - 32 - len(suffix)
    if room > 0:
        return f"{parent[:room]}{_md5(parent)}{suffix}"
    return f"{parent[: LABEL_MAX - 32]}{_md5(full)}{suffix}"[:LABEL_MAX].rstrip("-._")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
