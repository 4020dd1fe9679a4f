"""Child processes of `certsvc up` and `certsvc demo`: start, one log stream, orderly end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

import click

from certsvc.service import lifeline
from certsvc.service.settings import PREFIX

#: Seconds a child gets to finish what it is doing before it is killed.
GRACE_SECONDS = 12.0
#: Seconds a service gets to answer its first request (a cold start imports, migrates, unlocks).
READY_SECONDS = 60.0

COLOURS = ("cyan", "magenta", "yellow", "blue")


class StartFailed(click.ClickException):
    """A service could not be started; the message says what to do."""


def require_free_port(address: str, port: int, service: str, variable: str) -> None:
    """Refuse early, and in clear words, when `port` is taken.

    Raises:
        StartFailed: Another program listens there, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise StartFailed(
                f"端口 {address}:{port}（{service}）不可用：{error.strerror}。"
                f"请停止占用它的程序，或换一个端口，例如 {variable}={port + 10} make run\n"
                f"Port {address}:{port} ({service}) cannot be used: {error.strerror}. "
                f"Stop the program that holds it, or choose another: {variable}={port + 10}"
            ) from error


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Child:
    """One running service and the thread that forwards its log lines."""

    name: str
    process: subprocess.Popen[str]
    reader: threading.Thread


@dataclass
class Supervisor:
    """Starts children, forwards their lines under their names, ends them together.

    Args:
        environment: The children's settings; this process's own ones do not reach them.
        write: Takes one finished log line.
    """

    environment: Mapping[str, str]
    write: Callable[[str], object]
    children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, *arguments: str, changes: Mapping[str, str] | None = None) -> Child:
        """Start ``python -m`` `arguments` as the child `name`.

        Args:
            name: Stands before each of its lines.
            arguments: Module and arguments.
            changes: Variables that only this child has so.
        """
        colour = COLOURS[len(self.children) % len(COLOURS)]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module names
            [sys.executable, "-m", *arguments],
            env={
                # What was decided here holds for every child, whatever else is set outside.
                **{name: os.environ[name] for name in os.environ if not name.startswith(PREFIX)},
                **self.environment,
                **(changes or {}),
                lifeline.VARIABLE: "1",
                # A stray keys.py in the working directory must not shadow custody code.
                "PYTHONSAFEPATH": "1",
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Closed by the system when this process is gone (certsvc.service.lifeline).
            stdin=subprocess.PIPE,
            text=True,
            errors="replace",
            # Ctrl-C reaches the supervisor only, which then ends the children in order.
            start_new_session=True,
        )
        prefix = click.style(f"{name:<8}", fg=colour)
        reader = threading.Thread(target=self._forward, args=(process, prefix), daemon=True)
        reader.start()
        child = Child(name, process, reader)
        self.children.append(child)
        return child

    def _forward(self, process: subprocess.Popen[str], prefix: str) -> None:
        if process.stdout is None:
            return
        for line in process.stdout:
            self.write(f"{prefix} {line.rstrip()}")

    def wait_until_ready(self, child: Child, url: str) -> None:
        """Wait until `url` answers 200.

        Raises:
            StartFailed: The child ended, or did not answer in time.
        """
        self.wait_until(child, lambda: answers(url), url)

    def wait_until(self, child: Child, ready: Callable[[], bool], where: str) -> None:
        """Wait until a child is ready.

        Args:
            child: It, and all others, must not end meanwhile.
            ready: Asked again and again.
            where: What is asked, for the message.

        Raises:
            StartFailed: The child ended, or was not ready in time.
        """
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            # Any of them: without the worker, the issuer would wait for its status list in vain.
            if (ended := self.first_ended()) is not None:
                ended.reader.join(timeout=2)
                code = ended.process.returncode
                raise StartFailed(
                    f"{ended.name} 未能启动（退出码 {code}），原因见上方日志 / "
                    f"{ended.name} ended with exit code {code}; its log lines above say why"
                )
            if ready():
                return
            time.sleep(0.1)
        raise StartFailed(
            f"{child.name} 在 {READY_SECONDS:.0f} 秒内未就绪 / "
            f"{child.name} was not ready within {READY_SECONDS:.0f} seconds ({where})"
        )

    def first_ended(self) -> Child | None:
        """A child that is no longer running, if there is one."""
        return next((child for child in self.children if child.process.poll() is not None), None)

    def stop(self) -> None:
        """End every child: SIGTERM first, SIGKILL for its whole group after the grace."""
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.process.terminate()
        end = time.monotonic() + GRACE_SECONDS
        for child in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, end - time.monotonic()))
            self._kill_group(child)
            child.process.wait()
            child.reader.join(timeout=2)
            for stream in (child.process.stdin, child.process.stdout):
                if stream is not None:
                    stream.close()

    @staticmethod
    def _kill_group(child: Child) -> None:
        try:
            os.killpg(child.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


def answers(url: str) -> bool:
    """Whether `url` answers 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback URL
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
