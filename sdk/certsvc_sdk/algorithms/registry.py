"""The closed registry of signature algorithms, by every name a header or record may use."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from certsvc_sdk.algorithms.algorithm import Algorithm
from certsvc_sdk.algorithms.ed25519 import ED25519
from certsvc_sdk.algorithms.es256 import ES256
from certsvc_sdk.algorithms.mldsa import ML_DSA_44, ML_DSA_65
from certsvc_sdk.algorithms.sm2 import SM2

ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {
        spelling: entry
        for entry in (ES256, ED25519, ML_DSA_44, ML_DSA_65, SM2)
        for spelling in entry.spellings
    }
)
