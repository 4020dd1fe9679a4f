"""The closed registry of signature algorithms, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from keys.algorithms import sm2
from keys.algorithms.algorithm import Algorithm
from keys.algorithms.ed25519 import ED25519
from keys.algorithms.es256 import ES256
from keys.algorithms.mldsa import ML_DSA_44, ML_DSA_65
from keys.errors import AlgorithmUnsupported, SoftwareSm2Refused

ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {each.name: each for each in (ES256, ED25519, ML_DSA_44, ML_DSA_65, sm2.SM2)}
)


def algorithm(name: str) -> Algorithm:
    """The algorithm of that name.

    Raises:
        AlgorithmUnsupported: the registry has no such name.
    """
    try:
        return ALGORITHMS[name]
    except KeyError as error:
        raise AlgorithmUnsupported(f"no algorithm {name!r}") from error


def software_algorithm(name: str, *, allow_sm2: bool) -> Algorithm:
    """The algorithm of that name, for a private key held in software.

    Args:
        name: its name.
        allow_sm2: whether the operator has said that SM2 keys may be.

    Raises:
        AlgorithmUnsupported: the registry has no such name.
        SoftwareSm2Refused: SM2, and the operator has not said so.
    """
    if name == sm2.NAME and not allow_sm2:
        raise SoftwareSm2Refused("SM2 keys in software are not allowed by the settings")
    return algorithm(name)
