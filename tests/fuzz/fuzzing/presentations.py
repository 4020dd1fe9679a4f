"""Changed tokens and codes: with the signature they had, or signed anew."""

from fuzzing import frames, world
from fuzzing.draws import Draws
from fuzzing.tokens import Jws, Token, mutate_token, relink, signer_of, spoil_text

from certsvc_sdk import qr
from certsvc_sdk.errors import CertsvcError


def raw_text(draws: Draws) -> str:
    """The input as it stands; bytes that are not UTF-8 arrive as lone surrogates."""
    return draws.rest().decode("utf-8", "surrogateescape")


def make_token(draws: Draws) -> tuple[str, str | None]:
    """A changed token, and the name of the one whose signature it kept."""
    kind = draws.pick(tuple(world.tokens()))
    before = Token.of(world.tokens()[kind])
    after = mutate_token(before, draws)
    anew = draws.below(2) == 1
    if anew:
        after = relink(before, after) if draws.below(2) else after
        jws = after.jws.signed(signer_of(after.jws, world.ISSUER, draws))
        after = Token(jws, after.disclosures, after.binding)
    text = after.text()
    return spoil_text(text, draws) if draws.one_in(6) else text, None if anew else kind


def make_code(draws: Draws) -> tuple[str, str | None]:
    """The text of a changed QR code, and the name of the one whose signature it kept."""
    kind: str | None = draws.pick(tuple(world.codes()))
    prefix, before = frames.take_apart(world.codes()[str(kind)])
    after = frames.mutate_frame(before, draws)
    if draws.below(2):
        after, kind = _signed_frame(after, draws), None
    return frames.spell(prefix, frames.wrap(after, draws), draws), kind


def _signed_frame(after: frames.Frame, draws: Draws) -> frames.Frame:
    try:
        token = qr.decode("https://h/v#" + frames.digits_of(after.body())).token
    except CertsvcError:
        return after
    jws = Jws.of(token.partition("~")[0])
    signature = jws.signed(signer_of(jws, world.ISSUER, draws)).signature
    return frames.Frame(after.head, after.salts, after.lines, signature, after.preset)
