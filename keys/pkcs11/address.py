"""Where a token is and what opens it: `pkcs11:` URIs of RFC 7512."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from keys.errors import StoreUriInvalid

SCHEME = "pkcs11"
_PATH = frozenset({"token", "serial", "manufacturer", "model"})
_QUERY = frozenset({"module-path", "pin-source", "timeout"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Seconds that an answer of the token may take (threat T55).
TIMEOUT = 2.0
TIMEOUT_MAX = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAddress:
    """Attributes of the URI; what is None is not asked for.

    Attributes:
        module: the token's library.
        pin_file: file that holds the PIN, or
        pin_variable: environment variable that holds it.
        timeout: seconds that an answer may take; a vendor attribute.
    """

    module: Path
    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    pin_file: Path | None = field(default=None, repr=False)
    pin_variable: str | None = field(default=None, repr=False)
    timeout: float = TIMEOUT

    @property
    def wanted(self) -> dict[str, str]:
        """What the token must say of itself, by attribute."""
        named = {name: getattr(self, name) for name in sorted(_PATH)}
        return {name: value for name, value in named.items() if value is not None}


def read_address(uri: str) -> TokenAddress:
    """Reads `pkcs11:token=…;serial=…?module-path=…&pin-source=file:…|env:…[&timeout=…]`.

    `pin-value` is refused: URIs end in process lists, logs and backups.

    Raises:
        StoreUriInvalid: another scheme, an unknown, repeated, empty or missing attribute.
    """
    scheme, colon, rest = uri.partition(":")
    if scheme != SCHEME or not colon:
        raise StoreUriInvalid("not a pkcs11: URI")
    path, _, query = rest.partition("?")
    named = _attributes(path, ";", _PATH)
    asked = _attributes(query, "&", _QUERY)
    if not named.keys() & {"token", "serial"}:
        raise StoreUriInvalid("a pkcs11: URI names its token by token= or serial=")
    if "module-path" not in asked or "pin-source" not in asked:
        raise StoreUriInvalid("a pkcs11: URI needs module-path= and pin-source=")
    module = Path(asked["module-path"])
    if not module.is_absolute():
        raise StoreUriInvalid("module-path= must be absolute")
    pin_file, pin_variable = _pin_source(asked["pin-source"])
    return TokenAddress(
        module=module,
        pin_file=pin_file,
        pin_variable=pin_variable,
        timeout=_timeout(asked.get("timeout")),
        **named,
    )


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(separator) if text else ():
        name, equals, raw = part.partition("=")
        # The value is not repeated: it may be the PIN that somebody wrote there.
        if name not in known:
            raise StoreUriInvalid(f"a pkcs11: URI has no attribute {name[:16]!r} here")
        try:
            value = unquote(raw, errors="strict")
        except UnicodeDecodeError as error:
            raise StoreUriInvalid(f"{name}= is not UTF-8") from error
        if not equals or not value or name in found or "\0" in value:
            raise StoreUriInvalid(f"{name}= is empty, repeated or no text")
        found[name] = value
    return found


def _pin_source(source: str) -> tuple[Path | None, str | None]:
    kind, _, place = source.partition(":")
    if place.startswith("///"):
        place = place[2:]
    if kind == "file" and place and not place.startswith("//"):
        return Path(place), None
    if kind == "env" and _VARIABLE.fullmatch(place):
        return None, place
    raise StoreUriInvalid("pin-source= must be file:<path> or env:<NAME>")


def _timeout(text: str | None) -> float:
    if text is None:
        return TIMEOUT
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", text) or not 0 < float(text) <= TIMEOUT_MAX:
        raise StoreUriInvalid("timeout= must be seconds, at most 60")
    return float(text)
