"""Taking over a bundle: each part goes the way of what is fetched; the cache never goes back."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc_sdk import statuslist
from certsvc_sdk.bundle.making import STATUS_FOLDER, TRUST_FOLDER, TYPE_FOLDER
from certsvc_sdk.bundle.offices import Offices
from certsvc_sdk.bundle.reading import Bundle, read
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.status_holding import StatusHolding

if TYPE_CHECKING:
    from certsvc_sdk.client import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a bundle brought.

    Attributes:
        as_of: Unix seconds for which the trust data at hand stand now.
        expires: Unix seconds at which they end.
        issuers: records at hand.
        lists: status lists of the bundle that are at hand now, or newer ones in their place.
        types: type metadata taken over.
        refused: parts that did not verify.
        maker: public key that signed the bundle, None where none was asked for.
    """

    as_of: int
    expires: int
    issuers: int
    lists: int
    types: int
    refused: tuple[str, ...]
    maker: str | None

    @property
    def complete(self) -> bool:
        """Every part verified."""
        return not self.refused


def use(verifier: "Verifier", data: bytes | Bundle, *, makers: Collection[str] = ()) -> Used:
    """Take over what another verifier made, as if it were fetched now; no line is needed.

    Trust data and status lists are verified by their own signatures under this verifier's root.
    Type metadata bear none: they are taken only where a maker is demanded, and only where there
    are none yet.

    Args:
        verifier: its cache takes the parts.
        data: the file, or what `read` made of it.
        makers: public keys (`Maker.public`), one of which must have signed it; empty: anybody.

    Raises:
        BundleInvalid: the file is no bundle, or a part is not the listed one.
        BundleUntrusted: none of the makers signed it.
        TrustInvalid: its trust data do not verify under this verifier's root.
        TrustUnavailable: the cache cannot be written.
    """
    bundle = data if isinstance(data, Bundle) else read(data)
    maker = bundle.maker(makers) if makers else None
    holdings, now = verifier.holdings, verifier.now
    view = holdings.trust.take(
        bundle.below(TRUST_FOLDER), verified_at=bundle.manifest.trust_verified_at, now=now
    )
    lists, offices = bundle.below(STATUS_FOLDER), Offices(view.issuers())
    refused = [
        name for name, token in lists.items() if not _take(holdings.status, token, offices, now)
    ]
    types = bundle.below(TYPE_FOLDER) if maker is not None else {}
    for name, document in types.items():
        uri = bundle.manifest.parts[name].uri
        if uri is None or not holdings.types.take(uri, document):
            refused.append(name)
    return Used(
        as_of=view.as_of,
        expires=view.expires,
        issuers=len(view.issuers()),
        lists=sum(name not in refused for name in lists),
        types=sum(name not in refused for name in types),
        refused=tuple(refused),
        maker=maker,
    )


def _take(holding: StatusHolding, token: bytes, offices: Offices, now: int) -> bool:
    try:
        # The list names its own address, and nothing is believed before its signature is checked.
        uri = statuslist.read(token.decode("ascii")).sub
    except (CertsvcError, UnicodeDecodeError):
        return False
    record = offices.of(uri)
    return record is not None and holding.take(uri, record, token, now)
