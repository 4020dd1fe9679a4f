"""The command `certsvc`: set up, run, issue, demonstrate."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import click

from certsvc.cli.ca import ca
from certsvc.cli.clients import clients
from certsvc.cli.demo import demo
from certsvc.cli.drill import drill
from certsvc.cli.faces import export, face
from certsvc.cli.fsck import fsck
from certsvc.cli.init import init, reset
from certsvc.cli.issue import issue
from certsvc.cli.keys import keys
from certsvc.cli.restore import backup, recover, restore
from certsvc.cli.run import serve, up, worker
from certsvc.cli.signer import signer
from certsvc.cli.trust import trust
from certsvc.cli.watch import watch
from certsvc.publishing.errors import PublishingError
from certsvc.restoring.errors import RecoveryNeeded, RestoringError
from certsvc.service.engine import DatabaseUnavailable
from certsvc.service.settings import SettingsInvalid
from certsvc.storage.errors import StorageError
from keys.errors import KeysError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="数据目录，默认 var 或 CERTSVC_HOME / data folder",
)
@click.version_option(package_name="certsvc")
def cli(home: Path | None) -> None:
    """电子证照签发服务 · Issue and publish electronic certificates."""
    if home is not None:
        # Child processes read the same variable, so that one option reaches all of them.
        os.environ["CERTSVC_HOME"] = str(home)


for _command in (init, reset, up, serve, worker, signer, issue, demo):
    cli.add_command(_command)
for _command in (face, export):
    cli.add_command(_command)
for _command in (backup, restore, recover, watch, fsck, clients, ca, keys, drill, trust):
    cli.add_command(_command)


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def main() -> None:
    """Run the command line; what went wrong is said in a line, not in a trace.

    Configuration errors end with sysexits' EX_CONFIG (78), everything else with 1.
    """
    try:
        cli()
    except SettingsInvalid as error:
        click.echo(f"配置错误 / configuration: {error}", err=True)
        sys.exit(SettingsInvalid.exit_code)
    except RecoveryNeeded as error:
        click.echo(f"拒绝启动 / refused: {error}", err=True)
        sys.exit(RecoveryNeeded.exit_code)
    except (KeysError, DatabaseUnavailable, StorageError, PublishingError, RestoringError) as error:
        click.echo(f"错误 / error: {error.code}: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        what = "磁盘已满 / disk full" if error.errno in _FULL else error.strerror
        # A failed write names no file.
        where = f": {error.filename}" if error.filename else ""
        click.echo(f"错误 / error: {what}{where}", err=True)
        sys.exit(1)
