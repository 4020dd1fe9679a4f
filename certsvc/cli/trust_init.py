"""`certsvc trust init`: the first ceremony of an installation whose keys people hold."""

from __future__ import annotations

import os
from pathlib import Path

import click

from certsvc import bootstrap
from certsvc.authority import trust_work
from certsvc.catalogue import Catalogue
from certsvc.cli.trust_options import FILE, holders, installation, now, tell
from certsvc.custody import open_keys
from certsvc.home import at_work
from certsvc.publishing.metadata import publish_types
from certsvc.service.engine import make_engine
from certsvc.service.settings import Settings
from certsvc.storage.database import upgrade
from certsvc_sdk.trust.about import About, Environment


@click.command()
@click.option("--root-key", multiple=True, type=FILE, help="根公钥文件 / officers' root keys")
@click.option("--root-threshold", type=click.IntRange(1), default=1, help="须几人 / signatures")
@click.option("--targets-key", multiple=True, type=FILE, help="targets 公钥 / its officers' keys")
@click.option("--targets-threshold", type=click.IntRange(1), default=1, help="须几人 / signatures")
def init(
    root_key: tuple[Path, ...],
    root_threshold: int,
    targets_key: tuple[Path, ...],
    targets_threshold: int,
) -> None:
    """建立信任仓库 · Database, online keys and a first root; officers sign it afterwards.

    Without keys everything is signed by the installation's own key store: for demonstrations.
    """
    settings = Settings.from_env(os.environ)
    if settings.env.value == "production" and not (root_key and targets_key):
        raise click.ClickException("生产环境须给出持钥人公钥 / production needs officers' keys")
    root, targets = holders(root_key, root_threshold), holders(targets_key, targets_threshold)
    about = About(env=Environment(settings.env.value), base=settings.public_url)
    with at_work(settings.home, alone=True, wait=False):
        _prepare(settings)
    with installation() as authority:
        bootstrap.add_log(settings, authority.keys, now=now())
        publish_types(authority.tree, Catalogue.builtin(), settings.public_url)
        tell(authority, trust_work.begin(authority, about, root, targets, now=now()))


def _prepare(settings: Settings) -> None:
    """Key store and database, where there are none yet."""
    if settings.keys_url.startswith("file:") and "?" not in settings.keys_url:
        bootstrap.make_passphrase(settings.keys_passphrase_file)
    open_keys(settings)
    engine = make_engine(settings.database_url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
