import os
import re
from pathlib import Path

import pytest

from certsvc.service.settings import Environment, Settings, SettingsInvalid, variable

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_no_variables_give_a_working_demo() -> None:
    settings = Settings.from_env({})
    assert settings.home == Path("var")
    assert settings.env is Environment.DEMO
    assert settings.database_url == "sqlite:///var/certsvc.db"
    assert settings.keys_url == "file:var/keys"
    assert settings.trust_url == "http://127.0.0.1:8000/"
    assert settings.published == Path("var/published")


def test_defaults_follow_home_and_port() -> None:
    settings = Settings.from_env(
        {"CERTSVC_HOME": "/srv/c", "CERTSVC_ISSUER_PORT": "9000", "CERTSVC_RATE_PER_SECOND": ""}
    )
    assert settings.database_url == "sqlite:////srv/c/certsvc.db"
    assert settings.keys_passphrase_file == Path("/srv/c/keys.passphrase")
    assert settings.trust_root == Path("/srv/c/root.json")
    assert settings.verifier_cache == Path("/srv/c/verifier-cache")
    assert settings.trust_url == "http://127.0.0.1:9000/"
    assert settings.rate_per_second == 0


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://certs.gov.example", "https://certs.gov.example/"),
        ("https://certs.gov.example:8443/x/", "https://certs.gov.example:8443/x/"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("http://localhost/", "http://localhost/"),
    ],
)
def test_base_addresses(given: str, kept: str) -> None:
    assert Settings.from_env({"CERTSVC_PUBLIC_URL": given}).public_url == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV", "staging"),
        ("ISSUER_PORT", "0"),
        ("ISSUER_PORT", "http"),
        ("VERIFIER_PORT", "65536"),
        ("PUBLIC_URL", "certs.example"),
        ("PUBLIC_URL", "ftp://certs.example/"),
        ("PUBLIC_URL", "http://certs.example/"),
        ("PUBLIC_URL", "https://user:secret@certs.example/"),
        ("PUBLIC_URL", "https://certs.example/?secret=1"),
        ("PUBLIC_URL", "https://certs.example/#secret"),
        ("PUBLIC_URL", "https://certs.example:secret/"),
        ("TRUST_URL", "http://192.0.2.1/secret"),
        ("KEYS_URL", "secret"),
        ("RATE_PER_SECOND", "-1"),
        ("RATE_PER_SECOND", "inf"),
        ("RATE_PER_SECOND", "nan"),
    ],
)
def test_a_bad_value_names_its_variable_and_not_itself(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_env({f"CERTSVC_{name}": value})
    message = str(caught.value)
    assert message.startswith(f"CERTSVC_{name}: ")
    assert message.count("CERTSVC_") == 1
    assert "secret" not in message
    assert caught.value.exit_code == 78


def test_several_bad_values_are_all_named() -> None:
    with pytest.raises(SettingsInvalid, match=r"CERTSVC_ENV: .*; CERTSVC_VERIFIER_PORT: "):
        Settings.from_env({"CERTSVC_ENV": "x", "CERTSVC_VERIFIER_PORT": "x"})


def test_addresses_with_passwords_stay_out_of_the_representation() -> None:
    settings = Settings.from_env({"CERTSVC_DATABASE_URL": "postgresql://c:hunter2@db/c"})
    assert "hunter2" not in repr(settings)


def test_passphrase(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    path = settings.keys_passphrase_file
    with pytest.raises(SettingsInvalid, match=r"CERTSVC_KEYS_PASSPHRASE_FILE: .*cannot be read"):
        settings.keys_passphrase()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.close(descriptor)
    with pytest.raises(SettingsInvalid, match="empty"):
        settings.keys_passphrase()
    path.write_bytes(b"correct horse \r\n")
    assert settings.keys_passphrase() == b"correct horse "
    path.chmod(0o640)
    with pytest.raises(SettingsInvalid, match="mode 0600"):
        settings.keys_passphrase()


def test_the_table_and_the_model_are_equal() -> None:
    rows = dict(re.findall(r"^\| `(CERTSVC_\w+)` \| `([^`]*)` \|", DOCUMENT.read_text(), re.M))
    defaults = Settings.from_env({})
    expected = {
        variable(name): str(
            value.value if isinstance(value := getattr(defaults, name), Environment) else value
        )
        for name in Settings.model_fields
    }
    assert rows == expected


def test_the_document_repeats_every_description() -> None:
    text = DOCUMENT.read_text()
    for field in Settings.model_fields.values():
        assert field.description in text
