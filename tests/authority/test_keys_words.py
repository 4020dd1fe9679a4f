"""Limits from settings, and that no refusal is without words."""

import inspect
from pathlib import Path
from types import ModuleType

import pytest

from certsvc.authority import keys_errors
from certsvc.authority.keys_listing import TRUST_LIFE, rotation_policy
from certsvc.cli.keys_refusals import SENTENCES, moment
from certsvc.service.settings import Environment, Settings, SettingsInvalid
from keys import errors
from keys.rotation import RotationPolicy


def codes(module: ModuleType, root: type) -> set[str]:
    found = [one for _, one in inspect.getmembers(module, inspect.isclass)]
    leaves = [one for one in found if issubclass(one, root) and not one.__subclasses__()]
    return {str(one.code) for one in leaves}  # type: ignore[attr-defined]


def test_every_refusal_has_its_sentences() -> None:
    assert codes(keys_errors, keys_errors.KeyWorkError) <= SENTENCES.keys()
    policy = {"policy_invalid", "signature_rejected", "use_forbidden"}  # never of these commands
    assert codes(errors, errors.KeyUseError) - policy <= SENTENCES.keys()
    for chinese, english in SENTENCES.values():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
        assert english.isascii()


def test_the_settings_limits() -> None:
    assert rotation_policy(Settings()) == RotationPolicy()
    assert RotationPolicy().pre_publish >= 2 * TRUST_LIFE
    short = rotation_policy(Settings(key_max_age_days=2, key_pre_publish_hours=1))
    assert (short.max_age, short.pre_publish) == (172_800, 3600)


@pytest.mark.parametrize(
    "limits",
    [
        {"key_pre_publish_hours": 47, "env": Environment.PRODUCTION},
        {"key_max_age_days": 2, "key_pre_publish_hours": 48},
    ],
    ids=str,
)
def test_limits_that_would_refuse_honest_certificates(limits: dict[str, object]) -> None:
    with pytest.raises(SettingsInvalid, match="CERTSVC_KEY_PRE_PUBLISH_HOURS"):
        rotation_policy(Settings(home=Path("x"), **limits))  # type: ignore[arg-type]


def test_moments() -> None:
    assert moment(0) == "1970-01-01 00:00:00 UTC"
    assert moment(None) == "—"
