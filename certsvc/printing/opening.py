"""Makes the printing desk that the settings describe."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from certsvc.catalogue import Catalogue
from certsvc.face.errors import FontsInvalid
from certsvc.issuing.exports import Exports
from certsvc.printing.desk import PrintingDesk
from certsvc.printing.presses import Presses, press_command
from certsvc.printing.seals import NoSeals, Seals, SealService
from certsvc.printing.signing import Pades, PdfSigning, Unsigned, pades_available
from certsvc.service.settings import Environment, Settings, SettingsInvalid, variable
from keys.store import KeyStore


def open_desk(
    settings: Settings,
    *,
    catalogue: Catalogue,
    exports: Exports,
    keys: KeyStore,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
) -> PrintingDesk:
    """The desk; its presses start with the first face.

    Args:
        settings: of the installation.
        catalogue: the certificate types.
        exports: knows the trust records of issuers.
        keys: custody, for signatures on faces.
        clock: Unix seconds.
        monotonic: seconds that never go back.

    Raises:
        SettingsInvalid: a folder of fonts is none, the extra `pades` is missing, or a service is
            to be asked over plain http outside a demo.
    """
    demo = settings.env is Environment.DEMO
    for name, address in (
        ("seal_url", settings.seal_url),
        ("pades_tsa_url", settings.pades_tsa_url),
    ):
        if urlsplit(address).scheme == "http" and not demo:
            raise SettingsInvalid(f"{variable(name)}: plain http is for demos only")
    if settings.font_folders:
        _check_fonts(settings)
    presses = Presses(
        settings.face_presses,
        monotonic=monotonic,
        command=press_command(settings.font_folders),
    )
    return PrintingDesk(
        presses=presses,
        catalogue=catalogue,
        records=exports.record,
        seals=_seals(settings, monotonic),
        signing=_signing(settings, keys),
        public_url=settings.public_url,
        demo=demo,
        clock=clock,
    )


def _check_fonts(settings: Settings) -> None:
    # Imported here: only presses need the typesetter, and it is large.
    from certsvc.face.fonts import load_fonts

    try:
        load_fonts([Path(each) for each in settings.font_folders])
    except FontsInvalid as error:
        raise SettingsInvalid(f"{variable('face_fonts')}: {error}") from error


def _seals(settings: Settings, monotonic: Callable[[], float]) -> Seals:
    if not settings.seal_url:
        return NoSeals()
    return SealService(settings.seal_url, monotonic=monotonic)


def _signing(settings: Settings, keys: KeyStore) -> PdfSigning:
    if not settings.pades:
        return Unsigned()
    if not pades_available():
        raise SettingsInvalid(f"{variable('pades')}: install the extra pades: certsvc[pades]")
    return Pades(keys, tsa_url=settings.pades_tsa_url)
