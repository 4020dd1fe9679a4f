"""The private servers of the test run: they come back, keep what they should, and end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

RUN = """
import os, sys
sys.path.insert(0, sys.argv[1])
from servers import postgres, redis
path = redis.program()
server = redis.Redis(path) if sys.argv[2] == "redis" else postgres.Postgres(postgres.programs())
server.start()
print(server.port, server.folder, flush=True)
sys.stdin.read()
"""


def test_every_test_has_a_database_of_its_own(postgres_server, postgres_database):
    with psycopg.connect(postgres_database) as connection:
        connection.execute("INSERT INTO lease VALUES ('', 'name', 'holder', 1, 1)")
    other = postgres_server.new_database(template="template0")
    assert other != postgres_database
    postgres_server.drop(other)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(other)


@pytest.mark.parametrize("how", ["stop", "crash", "kill"])
def test_postgres_comes_back_with_what_was_committed(postgres_server, postgres_database, how):
    with psycopg.connect(postgres_database) as connection:
        connection.execute("INSERT INTO lease VALUES ('', 'name', 'holder', 1, 1)")
    port = postgres_server.port
    getattr(postgres_server, how)()
    try:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(postgres_database)
    finally:
        postgres_server.start()
    assert postgres_server.port == port
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("SELECT holder FROM lease").fetchall() == [("holder",)]


def test_redis_forgets_when_killed_or_flushed(redis_server, redis_url):
    assert redis_url.endswith(f":{redis_server.port}/0")
    for forget in (redis_server.flush, redis_server.kill):
        redis_server.command("SET", "name", "value")
        assert redis_server.command("EXISTS", "name") == ":1"
        forget()
        redis_server.start()
        assert redis_server.command("EXISTS", "name") == ":0"


def test_a_paused_redis_hangs_until_it_is_resumed(redis_server, redis_url):
    redis_server.pause()
    try:
        assert not redis_server.answers(seconds=0.2)
    finally:
        redis_server.resume()
    assert redis_server.answers(seconds=5)


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_server_dies_with_its_run(request, name):
    request.getfixturevalue(f"{name}_server")  # the skip and the failure without the program
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(Path(__file__).parent), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdin is not None
    with run, run.stdout, run.stdin:
        _port, folder = run.stdout.readline().split()
        assert os.listdir(folder)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    request.getfixturevalue("wait_until")(lambda: not os.path.exists(folder), "the folder's end")
