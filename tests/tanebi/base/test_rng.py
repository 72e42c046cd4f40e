import uuid

from tanebi.base.rng import NAME_ALPHABET, name_suffix, new_token, new_uid, system_rng


def test_a_seed_repeats_a_run() -> None:
    first, second = system_rng(7), system_rng(7)
    assert [name_suffix(first), new_uid(first)] == [name_suffix(second), new_uid(second)]


def test_names_use_kubernetes_alphabet() -> None:
    suffix = name_suffix(system_rng(), 64)
    assert len(suffix) == 64
    assert set(suffix) <= set(NAME_ALPHABET)


def test_uids_are_version_4() -> None:
    assert uuid.UUID(new_uid(system_rng())).version == 4


def test_tokens_do_not_repeat() -> None:
    assert len(new_token()) == 32
    assert new_token() != new_token()
