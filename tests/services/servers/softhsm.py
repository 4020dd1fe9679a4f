"""Private SoftHSM2 tokens: a folder and a configuration of their own for each test."""

import shutil
import subprocess
import tempfile
from pathlib import Path

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
PIN = "24680246"
SO_PIN = "13579135"


def module() -> Path | None:
    """The library, if it and its tool are installed."""
    if shutil.which("softhsm2-util") is None:
        return None
    return next((Path(each) for each in MODULES if Path(each).is_file()), None)


class SoftHsm:
    """Tokens in a folder; `SOFTHSM2_CONF` has to name `configuration` where they are used.

    Attributes:
        module: the PKCS#11 library.
        configuration: SoftHSM's configuration file.
        tokens: folder of the tokens.
        pin_file: file with the PIN, mode 0600.
    """

    def __init__(self, library: Path) -> None:
        self.module = library
        self.folder = Path(tempfile.mkdtemp(prefix="certsvc-softhsm-"))
        self.tokens = self.folder / "tokens"
        self.tokens.mkdir(mode=0o700)
        self.configuration = self.folder / "softhsm2.conf"
        self.configuration.write_text(
            f"directories.tokendir = {self.tokens}\n"
            "objectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n"
        )
        self.pin_file = self.folder / "pin"
        self.write_pin(PIN)

    def write_pin(self, pin: str) -> None:
        """What the PIN's file says from now on."""
        self.pin_file.touch(mode=0o600)
        self.pin_file.write_text(f"{pin}\n")

    def new_token(self, label: str, *, pin: str = PIN) -> None:
        """Initialise one more token."""
        self._util("--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", SO_PIN)

    def initialise_again(self, label: str, *, pin: str = PIN) -> None:
        """Initialise the token anew: its objects go, its label stays."""
        options = ("--label", label, "--pin", pin, "--so-pin", SO_PIN)
        self._util("--init-token", "--token", label, *options)

    def uri(self, label: str, **changes: str) -> str:
        """The store's URI; the time an answer may take is long, since test machines are slow."""
        query = {
            "module-path": str(self.module),
            "pin-source": f"file:{self.pin_file}",
            "timeout": "30",
            **changes,
        }
        return f"pkcs11:token={label}?" + "&".join(f"{name}={text}" for name, text in query.items())

    def _util(self, *arguments: str) -> None:
        environment = {"SOFTHSM2_CONF": str(self.configuration), "PATH": "/usr/bin:/bin"}
        command = ["softhsm2-util", "--module", str(self.module), *arguments]
        subprocess.run(
            command, env=environment, check=True, stdout=subprocess.DEVNULL, cwd=self.folder
        )

    def end(self) -> None:
        """Forget the tokens."""
        shutil.rmtree(self.folder, ignore_errors=True)
