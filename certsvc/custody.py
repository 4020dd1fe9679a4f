"""Opens the key store that the settings name, with words for the operator where it does not."""

from certsvc.service.settings import Settings, SettingsInvalid, variable
from keys import KeyStore, open_store
from keys.errors import KeysError


def open_keys(settings: Settings) -> KeyStore:
    """The key store of the settings.

    Raises:
        SettingsInvalid: the passphrase file or the key store does not open.
    """
    passphrase = settings.keys_passphrase()
    try:
        return open_store(
            settings.keys_url, passphrase=passphrase, allow_software_sm2=settings.software_sm2
        )
    except KeysError as error:
        name = variable("keys_url")
        raise SettingsInvalid(f"{name}: the key store does not open ({error.code})") from error
