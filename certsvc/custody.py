"""Opens the key store that the settings name, with words for the operator where it does not."""

from certsvc.service.settings import Settings, SettingsInvalid, variable
from keys import KeyStore, open_store
from keys.errors import KeysError
from keys.uri import read_uri


def needs_passphrase(settings: Settings) -> bool:
    """Whether the key store is one of files that the settings' passphrase opens.

    Raises:
        SettingsInvalid: the settings name no key store.
    """
    try:
        return read_uri(settings.keys_url).needs_passphrase
    except KeysError as error:
        raise SettingsInvalid(f"{variable('keys_url')}: {error}") from error


def open_keys(settings: Settings) -> KeyStore:
    """The key store of the settings; the passphrase is read only where it opens something.

    Raises:
        SettingsInvalid: the passphrase file or the key store does not open.
    """
    try:
        return open_store(
            settings.keys_url,
            passphrase=settings.keys_passphrase() if needs_passphrase(settings) else None,
            allow_software_sm2=settings.software_sm2,
        )
    except KeysError as error:
        name = variable("keys_url")
        raise SettingsInvalid(f"{name}: the key store does not open ({error.code})") from error
