"""The typed code (证照短码): sixteen characters under the QR code, for when no scanner reads it.

A code is a short digest of the whole SD-JWT as it was issued, every disclosure included. So it can
be printed again at any time, no key can change it, and whoever is handed a token for a code knows
by himself whether it is the one: a resolver cannot slip in another certificate. Nobody makes a code
from less than the whole token; the token's holder needs none.

Two spellings of the same number:

- text, `7K3F-92CD-XW4M-83HR`: 15 symbols to base 17 and a check symbol. The alphabet has one sign
  of each group that looks alike, also in handwriting, and no vowels. The check is the sum of the
  symbols, weighted 1 to 15, modulo 17: as 17 is prime and the weights differ, it catches every
  wrong symbol and every two that changed places.
- digits, for the barcode beside it: the number in 19 digits and a Damm check digit. Digits survive
  a hand scanner's keyboard with Caps Lock or a Chinese input method on; letters do not.
"""

import hashlib
import re
import unicodedata
from typing import Final

from certsvc_sdk.errors import CodeUnavailable, NotACertificate, Unreadable

ALPHABET: Final = "23456789CDFHKMRWX"
BASE: Final = len(ALPHABET)
#: Symbols that carry the number, and all of them.
DATA_SYMBOLS: Final = 15
SYMBOLS: Final = 16
GROUP: Final = 4
#: How many codes there are: 2.86e18, 61.3 bits.
CODES: Final = BASE**DATA_SYMBOLS
#: Digits of the barcode: 19 that hold every number below `CODES`, and the check digit.
DIGITS: Final = 20
#: Longer than any spelling with its spaces and hyphens: no typed code.
MAX_TEXT: Final = 64

_DOMAIN: Final = b"certsvc typed code 1\n"
# Lengths that a slip of the hand makes of a code, or of a scan that lost or doubled a digit.
_MEANT_TEXT: Final = range(8, 25)
_MEANT_FEW: Final = range(SYMBOLS - 1, SYMBOLS + 2)
_MEANT_DIGITS: Final = range(DIGITS - 1, DIGITS + 2)
# Of a code misread a few signs may lie outside the alphabet; of a USCC or a case number most do.
_MEANT_FOREIGN: Final = 3
_PLAIN: Final = re.compile(r"[0-9A-Z]+")
# Spaces of every width, hyphens and dashes, and marks that nobody sees.
_IGNORED: Final = frozenset({"Zs", "Zl", "Zp", "Pd", "Cf"})
# H. M. Damm, "Total anti-symmetrische Quasigruppen" (2004), the table of order 10.
_DAMM: Final = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip


def of(token: str) -> str:
    """Return the code of a certificate, sixteen symbols without hyphens.

    Args:
        token: the SD-JWT exactly as it was issued, with all its disclosures: a presentation that
            withholds one has no code.
    """
    digest = hashlib.sha256(_DOMAIN + token.encode("utf-8", "surrogatepass")).digest()
    return _spell(int.from_bytes(digest) % CODES)


def grouped(code: str) -> str:
    """Return a code as it is printed: `7K3F-92CD-XW4M-83HR`."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def digits(code: str) -> str:
    """Return the twenty digits that the barcode of a code holds.

    Args:
        code: as `of` or `read` return it.
    """
    number = 0
    for symbol in code[:DATA_SYMBOLS]:
        number = number * BASE + ALPHABET.index(symbol)
    text = f"{number:0{DIGITS - 1}d}"
    return text + str(_damm(text))


def is_meant(text: str) -> bool:
    """Tell whether somebody meant to give a typed code, be it with mistakes.

    Args:
        text: as it was typed, pasted or sent by a hand scanner.
    """
    plain = _plain(text)
    if plain is None:
        return False
    if len(plain) in _MEANT_DIGITS and plain.isdigit():
        return True
    # A code of digits alone is rare, goods and payment codes are not: those are 13 and 18 long.
    lengths = _MEANT_FEW if plain.isdigit() else _MEANT_TEXT
    foreign = sum(sign not in ALPHABET for sign in plain)
    return len(plain) in lengths and foreign <= _MEANT_FOREIGN


def read(text: str) -> str:
    """Return the code that was typed or scanned, sixteen symbols without hyphens.

    Lower case, full-width characters, and spaces and hyphens in any place are forgiven.

    Args:
        text: either spelling.

    Raises:
        Unreadable: a typing error: wrong length, signs or check.
        NotACertificate: nobody meant this to be a code.
    """
    plain = _plain(text)
    if plain is not None and _has_check(plain):
        return plain
    if plain is not None and plain.isdigit() and len(plain) == DIGITS:
        number = int(plain[:-1])
        if number < CODES and _damm(plain) == 0:
            return _spell(number)
    if is_meant(text):
        raise Unreadable("the typed code has a typing error")
    raise NotACertificate("the text is no typed code")


def require(token: str, code: str) -> None:
    """Refuse a token that is not the one a code stands for.

    Args:
        token: what a resolver gave; nothing in it was looked at yet.
        code: as `read` returns it.

    Raises:
        CodeUnavailable: it is another one: the resolver is broken, or lies.
    """
    if of(token) != code:
        raise CodeUnavailable("the resolver gave another certificate than the code stands for")


def _spell(number: int) -> str:
    values = []
    for _ in range(DATA_SYMBOLS):
        number, value = divmod(number, BASE)
        values.append(value)
    values.reverse()
    return "".join(ALPHABET[value] for value in (*values, _check(values)))


def _check(values: list[int]) -> int:
    return sum(weight * value for weight, value in enumerate(values, start=1)) % BASE


def _has_check(plain: str) -> bool:
    if len(plain) != SYMBOLS or any(symbol not in ALPHABET for symbol in plain):
        return False
    values = [ALPHABET.index(symbol) for symbol in plain]
    return _check(values[:-1]) == values[-1]


def _damm(text: str) -> int:
    state = 0
    for digit in text:
        state = int(_DAMM[state][int(digit)])
    return state


def _plain(text: str) -> str | None:
    """Return the letters and digits of a text in one form, None where it holds anything else."""
    if len(text) > MAX_TEXT:
        return None
    folded = unicodedata.normalize("NFKC", text.strip())
    kept = "".join(sign for sign in folded if unicodedata.category(sign) not in _IGNORED)
    # After the look at ASCII: upper case makes two letters of some that are none of ours.
    plain = kept.upper() if kept.isascii() else ""
    return plain if _PLAIN.fullmatch(plain) else None
