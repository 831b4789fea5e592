# SPDX-License-Identifier: Apache-2.0
"""The workers of evaluate_bags take orders of nobody else."""

import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from node_helpers import PYTHONPATH, REPOSITORY

from fer_ros.cli import cluster, evaluate_bags

distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
pytest.importorskip("cryptography", reason="cryptography is not installed")

OURS = """
from fer_ros.cli.cluster import connected
if __name__ == "__main__":
    with connected("", 1, ("", "", "")) as client:
        print("up", client.submit(pow, 2, 3).result(), flush=True)
        print(*client.run(lambda dask_worker: dask_worker.local_directory).values(), flush=True)
        input()
"""
INTRUDER = """
import asyncio, os, sys
from distributed import Security
from distributed.core import connect
async def speak(address):
    security = Security.temporary() if address.startswith("tls") else Security()
    try:
        comm = await connect(address, timeout=5, **security.get_connection_args("client"))
        await comm.write({"op": "identity", "reply": True})
        print("RAN", address, await asyncio.wait_for(comm.read(), 5), flush=True)
    except (OSError, asyncio.TimeoutError) as error:
        print("refused", address, type(error).__name__, flush=True)
async def main():
    await asyncio.wait([asyncio.ensure_future(speak(a)) for a in sys.argv[1:]], timeout=15)
    print("done", flush=True)
    os._exit(0)  # what is not of dask never answers
asyncio.run(main())
"""


def python(code, *words):
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH}
    command = [sys.executable, "-c", code, *words]
    options = {"cwd": REPOSITORY, "env": environment, "capture_output": True, "text": True}
    return subprocess.run(command, **options, timeout=100, check=False)


@pytest.fixture
def ours(tmp_path):
    """A scheduler and a worker of our own, while they run: the process, the worker's folder."""
    script = tmp_path / "ours.py"
    script.write_text(OURS)
    process = subprocess.Popen(
        [sys.executable, str(script)], cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline().strip() == "up 8"
        yield process, Path(process.stdout.readline().strip())
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.communicate("\n", timeout=60)


@pytest.fixture
def listening(ours):
    """Their ports: address by port."""
    import psutil

    found = {}
    own = psutil.Process(ours[0].pid)
    for each in (own, *own.children(recursive=True)):
        for connection in each.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                found[connection.laddr.port] = connection.laddr.ip
    return found


def test_a_worker_imports_from_no_folder_that_another_user_may_make(ours):
    """Its own is on its sys.path, and lies by default in /tmp/dask-scratch-space."""
    _, folder = ours
    topmost = Path(tempfile.gettempdir(), folder.relative_to(tempfile.gettempdir()).parts[0])
    assert topmost.name.startswith("fer_ros_workers_")
    assert topmost.stat().st_mode & 0o077 == 0


def test_who_has_no_certificate_of_this_run_is_refused_at_every_port(listening):
    assert len(listening) >= 2  # scheduler, worker, and what else listens
    assert set(listening.values()) <= {"127.0.0.1", "::1"}
    addresses = [f"{kind}://127.0.0.1:{port}" for port in listening for kind in ("tcp", "tls")]
    done = python(INTRUDER, *addresses)
    assert "RAN" not in done.stdout
    assert done.stdout.endswith("done\n"), done.stderr
    assert done.stdout.count("refused") >= len(listening)
    for port in listening:
        for path in ("/", "/status", "/json/identity.json", "/info/main/workers.html", "/health"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", path)
                assert connection.getresponse().status == 404


def test_without_cryptography_nothing_listens(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    monkeypatch.setattr(distributed, "LocalCluster", None)
    with (
        pytest.raises(cluster.ClusterError, match="pip install cryptography"),
        cluster.connected("", 1, ("", "", "")),
    ):
        pass


def test_a_cluster_in_plain_tcp_is_warned_of(tmp_path, capsys):
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
    ) as running:
        address = running.scheduler_address
        with cluster.connected(address, 1, ("", "", "")) as client:
            assert client.submit(pow, 2, 3).result() == 8
    assert f"{address} accepts everyone" in capsys.readouterr().err


def test_a_cluster_with_certificates(tmp_path, capsys):
    security = distributed.Security.temporary()
    files = {}
    for name, text in (
        ("ca", security.tls_ca_file),
        ("cert", security.tls_client_cert),
        ("key", security.tls_client_key),
    ):
        files[name] = tmp_path / f"{name}.pem"
        files[name].write_text(text)
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tls", security=security,
        dashboard_address="127.0.0.1:0",
    ) as running:  # fmt: skip
        address = running.scheduler_address
        with cluster.connected(address, 1, tuple(map(str, files.values()))) as client:
            assert client.submit(pow, 2, 3).result() == 8
        with (
            pytest.raises(cluster.ClusterError, match="needs --tls-ca"),
            cluster.connected(address, 1, ("", "", "")),
        ):
            pass
        files["key"].write_text("no key")
        with (
            pytest.raises(cluster.ClusterError, match="no scheduler answers"),
            cluster.connected(address, 1, tuple(map(str, files.values()))),
        ):
            pass
    assert not capsys.readouterr().err


def test_certificates_are_options(tmp_path, capsys):
    (tmp_path / "recordings").mkdir()
    with pytest.raises(SystemExit):
        evaluate_bags.main(["--help"])
    told = capsys.readouterr().out
    assert all(f"--tls-{name}" in told for name in ("ca", "cert", "key"))
