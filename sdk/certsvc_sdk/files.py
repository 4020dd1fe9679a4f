"""A verifier's own files: what it is asked to read, and a cache folder for those without one."""

from pathlib import Path

from certsvc_sdk.errors import FileUnsupported
from certsvc_sdk.file_limits import MAX_FILE_BYTES


def read_file(path: str | Path) -> bytes:
    """Return a file's bytes; one more than is allowed shows that it is too long.

    Raises:
        FileUnsupported: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FileUnsupported(f"the file cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL or a surrogate
        raise FileUnsupported("the file has an impossible name") from error


def temporary_folder() -> str:
    """Return a new folder of this process."""
    # Imported here: most verifiers have a folder of their own.
    import tempfile

    return tempfile.mkdtemp(prefix="certsvc-sdk-")


def remove_folder(folder: str | None) -> None:
    """Remove a folder with all in it; None: nothing."""
    if folder is not None:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
