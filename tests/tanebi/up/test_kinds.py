from tanebi.api.kind import Kinds
from tanebi.up.kinds import CONFIGS, KINDS


def test_every_kind_and_config_map_is_declared_once() -> None:
    assert len(list(Kinds(KINDS))) == len({kind.resource for kind in KINDS})
    assert len({(c.namespace, c.name) for c in CONFIGS}) == len(CONFIGS)
