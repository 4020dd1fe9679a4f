"""The verifier: what an accepting department's program talks to.

    verifier = Verifier.from_root("root.json", url="https://certs.example/", cache_dir="cache")
    verdict = verifier.check(text)

`check` answers for every text and works without a line from what it has cached.
"""

import time
import weakref
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc_sdk import verify
from certsvc_sdk.algorithms.digests import enabled_profiles
from certsvc_sdk.errors import PolicyInvalid, VerificationFailed
from certsvc_sdk.files import remove_folder, temporary_folder
from certsvc_sdk.finding import FileReport, Finding, TrustState
from certsvc_sdk.holdings import Holdings, Refreshed, witnesses_of
from certsvc_sdk.memory import Memory
from certsvc_sdk.nonces import NonceCheck, NonceStore, new_nonce
from certsvc_sdk.policy import Policy
from certsvc_sdk.relay import Relay
from certsvc_sdk.report import report_on
from certsvc_sdk.resolver import Resolver, asking, look_up
from certsvc_sdk.root_file import read_root
from certsvc_sdk.verdict import Verdict

if TYPE_CHECKING:
    from certsvc_sdk.log.history import Life
    from certsvc_sdk.log_cache import Fork
    from certsvc_sdk.typemetadata import TypeMetadata

__all__ = ["FileReport", "Finding", "Refreshed", "TrustState", "Verifier"]

# A new office or key is looked for at once, but strangers' codes must not make us ask forever.
LOOK_AGAIN_SECONDS = 10
_LOOK_AGAIN = frozenset({"issuer_unknown", "key_unknown", "issuer_not_authorised", "trust_stale"})


class Verifier:
    """Checks certificates, online and offline. Safe for threads; make one and keep it."""

    def __init__(
        self,
        holdings: Holdings,
        *,
        policy: Policy,
        clock: Callable[[], float],
        nonces: NonceStore | None = None,
        profiles: Collection[str] = (),
        remember: int = 0,
        resolver: Resolver | None = None,
    ) -> None:
        self._holdings = holdings
        self._policy = policy
        self._clock = clock
        self._nonces = nonces
        self._profiles = enabled_profiles(profiles)
        self._memory = Memory(remember) if remember else None
        self._resolver = resolver

    @classmethod
    def from_root(
        cls,
        root: str | Path | bytes,
        *,
        url: str | None = None,
        cache_dir: str | Path | None = None,
        policy: Policy | None = None,
        sources: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        trust_refresh: int = 300,
        status_refresh: int | None = None,
        offline: bool = False,
        nonces: NonceStore | None = None,
        profiles: Collection[str] = (),
        remember: int = 0,
        relay: Relay | None = None,
        witnesses: Collection[str] = (),
        witness_threshold: int | None = None,
        resolver: Resolver | None = None,
    ) -> "Verifier":
        """Make a verifier from the pinned root of the trust repository.

        Args:
            root: `root.json`, as a path or its bytes; get it by a trusted way, once.
            url: address of the published tree (https:, http: to this machine, or file:).
            cache_dir: kept between runs; None: a temporary folder of this object.
            policy: rules for every check that brings none of its own.
            sources: further addresses: prefix of an identifier → where it is read.
            clock: gives Unix seconds.
            trust_refresh: seconds after which trust data is fetched anew.
            status_refresh: seconds after which a status list is; None: the list's own `ttl`.
            offline: never use the network.
            nonces: remembers the nonces of presentations, so that each is accepted once (for one
                process `nonces.ProcessNonces()`); None: that is the caller's part.
            profiles: algorithm profiles to accept beside the usual one: `("gm",)` for SM3 digests.
            remember: how many tokens to keep for minutes, so that one that comes again needs no
                second signature check; all that may have changed is still asked.
            relay: passes lists and issuer records on to verifiers on other machines; nothing that
                comes out of it is believed.
            witnesses: verifier keys of witnesses, who must have seen what a log proof rests on.
            witness_threshold: how many of them; None: all.
            resolver: looks typed codes up (`resolver.HttpResolver`), unless `offline`; None: they
                are `code_unavailable`.

        Raises:
            AlgorithmNotAllowed: an unknown profile, or one whose library is missing.
            LogNoteInvalid: a witness's key breaks its form, or there are too few.
            TrustUnavailable: the root or the cache folder cannot be read.
            TrustInvalid: the root is no root of a trust repository.
            FetchFailed: an address is of a kind that is not allowed.
        """
        pinned = read_root(root)
        # An empty name would mean the working directory.
        made = None if cache_dir else temporary_folder()
        try:
            holdings = Holdings(
                root=pinned,
                url=url,
                folder=Path(made or cache_dir or ""),
                sources=sources or {},
                trust_refresh=trust_refresh,
                status_refresh=status_refresh,
                offline=offline,
                relay=relay,
                witnesses=witnesses_of(witnesses, witness_threshold),
            )
            verifier = cls(
                holdings,
                policy=policy or Policy(),
                clock=clock,
                nonces=nonces,
                profiles=profiles,
                remember=remember,
                resolver=None if offline else resolver,
            )
        except BaseException:
            remove_folder(made)
            raise
        weakref.finalize(verifier, remove_folder, made)
        return verifier

    @property
    def holdings(self) -> Holdings:
        """All that this verifier holds; for `certsvc_sdk.bundle`."""
        return self._holdings

    @property
    def now(self) -> int:
        """Unix seconds by this verifier's clock."""
        return int(self._clock())

    def check(
        self,
        text: str | bytes,
        *,
        policy: Policy | None = None,
        at: int | None = None,
        log_proof: str | None = None,
    ) -> Verdict:
        """Return the verdict on what was scanned, pasted or sent; no text makes this raise.

        Args:
            text: text of a QR code, a compact SD-JWT, or a typed code.
            policy: rules for this check; None: the verifier's.
            at: Unix seconds of another moment to answer for; None: now.
            log_proof: text of a proof (c2sp.org/tlog-proof) that came with the certificate, for
                policies and cut-off keys that ask for one; None: the cache's or the log's own.

        Raises:
            TypeError: `text` is neither str nor bytes.
        """
        if isinstance(text, bytes):
            text = text.decode("utf-8", errors="replace")
        if not isinstance(text, str):
            raise TypeError("text must be str or bytes")
        rules = self._policy if policy is None else policy
        now = self.now
        world = self._holdings.world(now, max_status_age=rules.max_status_age, log_proof=log_proof)
        # Kept for both answers: a nonce is used up once, a resolver asked once.
        spend = None if self._nonces is None else NonceCheck(self._nonces, now=now)
        resolve = asking(self._resolver)

        def decide() -> Verdict:
            return verify.decide_token(
                text,
                world=world,
                policy=rules,
                now=now,
                at=at,
                spend_nonce=spend,
                profiles=self._profiles,
                memory=self._memory,
                resolve=resolve,
            )

        verdict = decide()
        aged = verdict.trust_age is not None and verdict.trust_age >= LOOK_AGAIN_SECONDS
        if verdict.code in _LOOK_AGAIN and aged and self._holdings.trust.look_again(now):
            # What was absent may have been published since; the policy may want newer data.
            verdict = decide()
        return verdict

    def resolve(self, text: str) -> str:
        """Return the token that a typed code stands for, not verified; see `resolver.look_up`."""
        return look_up(self._resolver, text)

    def verify(self, text: str | bytes, *, policy: Policy | None = None) -> Verdict:
        """Return the verdict of a certificate that is VALID and acceptable.

        Raises:
            VerificationFailed: any other verdict; it is the error's `verdict`.
            TypeError: `text` is neither str nor bytes.
        """
        verdict = self.check(text, policy=policy)
        if not verdict.acceptable:
            why = ", ".join((verdict.code, *verdict.reasons))
            raise VerificationFailed(f"{verdict.sentence('en')} ({why})", verdict=verdict)
        return verdict

    def check_file(
        self, data: bytes | str | Path, *, policy: Policy | None = None
    ) -> list[Finding]:
        """Return the `findings` of `report_file`; arguments and errors as there."""
        return list(self.report_file(data, policy=policy).findings)

    def report_file(self, data: bytes | str | Path, *, policy: Policy | None = None) -> FileReport:
        """Return all that was found in an image or PDF, given as bytes or path; see `report`.

        Raises:
            FileUnsupported, ImageUnreadable, FileTooLarge, NoCodeFound: from reading the file.
        """
        later = self._holdings.world(self.now).dictionary
        return report_on(data, check=lambda text: self.check(text, policy=policy), later=later)

    def trust_state(self) -> TrustState | None:
        """Tell which trust data answers now, fetched if need be; None: none yet."""
        return TrustState.of(self._holdings.world(self.now))

    def new_nonce(self) -> str:
        """Return a nonce for one presentation; the policy of its check names it.

        Raises:
            PolicyInvalid: this verifier was given no store for nonces.
        """
        if self._nonces is None:
            raise PolicyInvalid("this verifier has no store for nonces", zh="应先配置随机数存储")
        nonce = new_nonce()
        self._nonces.issue(nonce, now=self.now)
        return nonce

    def type_metadata(self, of: Verdict | str) -> "TypeMetadata":
        """Return the names and rules of a type, for display; no verdict depends on them.

        Args:
            of: a verdict on a genuine certificate, or a `vct`.

        Raises:
            TrustUnavailable, FetchFailed: they cannot be read now, or may not be.
            TypeMetadataInvalid, IntegrityInvalid: they are not what the certificate refers to.
        """
        return self._holdings.type_metadata(of, self.now)

    def history(self, text: str) -> "Life | None":
        """Return what the issuer's log proves of a genuine certificate's life, None without proof.

        Args:
            text: text of a QR code, or a compact SD-JWT.
        """
        from certsvc_sdk.past import life_of  # few ask

        now = self.now
        return life_of(text, world=self._holdings.world(now), now=now)

    def log_forks(self) -> "tuple[Fork, ...]":
        """Return the evidence against transparency logs; no proof of such a log is believed.

        It lies in the cache folder's `log/` until somebody takes it away.
        """
        return self._holdings.log.cache.forks()

    def refresh(self) -> Refreshed:
        """Fetch the trust data and every known status list anew, whether due or not.

        Never raises for the network; what failed stands in the answer, and the copies at hand
        go on answering with their age.
        """
        return self._holdings.renew(self.now, whole=False)

    def prefetch(self) -> Refreshed:
        """Fetch all issuer records and all status lists, for twelve hours or more without a line.

        Trust data and lists live 24 hours and are renewed at half their life; a policy with
        both `max_trust_age` and `max_status_age` accepts them for longer. Never raises either.
        """
        return self._holdings.renew(self.now, whole=True)
