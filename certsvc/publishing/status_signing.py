"""Signs a status list and checks it as a verifier would, before anybody sees it."""

from certsvc.publishing.errors import SigningFailed
from certsvc_sdk import jws, statuslist
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.statuschunks import KeptStatusBits
from certsvc_sdk.statuslist import StatusListToken
from certsvc_sdk.strict import Json
from keys import Signer

# A verifier looks again after this; how long a revocation may stay unseen.
TTL = 300
# Past this a verifier calls the list stale; a day without a publisher is bridged.
LIFE = 24 * 3600


def sign(
    signer: Signer, uri: str, entries: KeptStatusBits, version: int, now: int, *, thorough: bool
) -> str:
    """Return a token that a verifier accepts.

    Signature, header and claims are checked each time. The entries are compared whole where
    `thorough`; otherwise it is enough that the token holds, letter for letter, the text that
    `entries` made: each of its chunks was inflated and compared when it was compressed, and what
    joins them does not depend on what they hold.

    Args:
        signer: the issuer's status key.
        uri: address of the list.
        entries: the list.
        version: of the list.
        now: Unix seconds, becomes `iat`.
        thorough: inflate and compare everything.

    Raises:
        SigningFailed: a verifier would not accept it.
    """
    header: dict[str, Json] = {"alg": signer.alg, "typ": statuslist.TYP, "kid": signer.kid}
    try:
        fixed = _Fixed(entries.bits, entries.to_lst())
        draft = statuslist.draft(
            header=header, sub=uri, iat=now, exp=now + LIFE, ttl=TTL, version=version, bits=fixed
        )
        token = jws.attach(draft, signer.sign(draft))
        read = statuslist.read(token)
        jws.require_header(read.header, typ=statuslist.TYP, alg=signer.alg)
        public = PublicKey.from_jwk(dict(signer.public_jwk), signer.alg)
        public.verify(read.compact.signing_input, read.compact.signature)
        same = public.kid == signer.kid and _says(read, uri, fixed, version, now)
        if thorough and read.bits() != entries.freeze():
            same = False
    except CertsvcError as error:
        raise SigningFailed(f"{uri}: the signed list does not verify") from error
    if not same:
        raise SigningFailed(f"{uri}: the signed list says something else")
    return token


class _Fixed:
    """Entries whose text is made once, for the draft and for the comparison."""

    def __init__(self, bits: int, lst: str) -> None:
        self.bits = bits
        self._lst = lst

    def to_lst(self) -> str:
        return self._lst


def _says(read: StatusListToken, uri: str, fixed: _Fixed, version: int, now: int) -> bool:
    claims = (read.sub, read.version, read.iat, read.exp, read.ttl)
    return claims == (uri, version, now, now + LIFE, TTL) and (read.width, read.lst) == (
        fixed.bits,
        fixed.to_lst(),
    )
