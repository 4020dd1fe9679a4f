"""Where the certificate authorities' keys are, and how they sign certificates."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from certsvc.publishing.ca_errors import AuthorityKeyAway, CertificateRefused
from certsvc.publishing.ca_files import AuthorityFacts, AuthorityFolder
from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.x509.making import Places
from certsvc_sdk.x509.signing import ExternalKey
from keys import KeyStore, Signer
from keys.errors import KeyUseError

#: Authorities belong to no department; in a key store their keys stand under this name.
OWNER = "ca"
PURPOSE = "ca"
#: Folder of the published tree.
PUBLISHED = "x509"

OpenStore = Callable[[str | None], KeyStore | None]
RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What authorities work with. Whoever writes holds the folder's lock.

    Attributes:
        folder: what is on record.
        open_store: the key store of an address (None: the installation's own), or None where it
            cannot be reached from here.
        rng: source of random bytes.
    """

    folder: AuthorityFolder
    open_store: OpenStore
    rng: RandomBytes

    def store(self, address: str | None) -> KeyStore:
        """A key store.

        Raises:
            AuthorityKeyAway: it cannot be reached from here.
            KeysError: it does not open.
        """
        keys = self.open_store(address)
        if keys is None:
            raise AuthorityKeyAway("the authority's key store cannot be reached from here")
        return keys

    def key(self, facts: AuthorityFacts) -> ExternalKey:
        """An authority's key.

        Raises:
            AuthorityKeyAway: its store cannot be reached, or holds no active key of this id.
            KeysError: the store does not open.
        """
        try:
            return external(self.store(facts.store).signer(OWNER, facts.kid))
        except KeyUseError as error:
            message = f"the key {facts.kid} of authority {facts.name} cannot sign ({error.code})"
            raise AuthorityKeyAway(message) from error


def external(signer: Signer) -> ExternalKey:
    """A key of a key store as certificates are signed with it."""
    return ExternalKey(signer.sign, dict(signer.public_jwk))


def places_of(facts: AuthorityFacts) -> Places:
    """Where an authority's certificate and list are published."""
    base = f"{facts.base_url}{PUBLISHED}/{facts.name}"
    return Places(crl=f"{base}.crl", certificate=f"{base}.cer")


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what the SDK refuses into this room's word.

    Raises:
        CertificateRefused: readers would refuse it.
    """
    try:
        yield
    except CertsvcError as error:
        raise CertificateRefused(f"readers would refuse it: {error.code}: {error}") from error
