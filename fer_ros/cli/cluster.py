# SPDX-License-Identifier: Apache-2.0
"""The workers of ``evaluate_bags``, by dask.distributed: of this machine, or of a cluster.

Who speaks to a scheduler or a worker runs code as whoever started it, so those of this machine
speak TLS alone, with a key that is made for one run and never leaves its processes' memory.
"""

import contextlib
import logging
import multiprocessing
import sys
import tempfile
from importlib.util import find_spec

from fer_ros import start
from fer_ros.runtime.child import shield_children

QUIET: dict[str, list] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""dask's own pages tell what is worked on, to whoever asks."""


class ClusterError(RuntimeError):
    """No workers can be had; the message is one line that says why."""


@contextlib.contextmanager
def connected(scheduler: str, workers: int, certificates: tuple[str, str, str]):
    """A dask client of ``scheduler``, or where that is empty of so many ``workers`` of our own.

    ``certificates``: files of the authority, the client's certificate and its key, for ``tls://``.
    Raises ClusterError.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with _running(scheduler, certificates) if scheduler else _local(workers) as client:
        yield client


@contextlib.contextmanager
def _running(address, certificates):
    from distributed import Client, Security

    security = None
    if address.startswith("tls://"):
        if not all(certificates):
            raise ClusterError(f"{address} needs --tls-ca, --tls-cert and --tls-key")
        authority, certificate, key = certificates
        security = Security(
            require_encryption=True,
            tls_ca_file=authority,
            tls_client_cert=certificate,
            tls_client_key=key,
        )
    elif address.startswith("tcp://"):
        print(
            f"evaluate_bags: {address} accepts everyone who can reach it, and whoever does can run "
            "code there and here: use it on a private network only; tls:// needs certificates",
            file=sys.stderr,
        )
    try:
        client = Client(address, timeout=10, **({"security": security} if security else {}))
    except (OSError, ValueError, TypeError) as error:  # of a name, an address, a certificate
        raise ClusterError(f"no scheduler answers at {address}: {error}") from None
    with client:
        yield client


@contextlib.contextmanager
def _local(workers):
    if find_spec("cryptography") is None:
        raise ClusterError(
            "missing: pip install cryptography, or apt install python3-cryptography: without it "
            "every user of this machine could run code here"
        )
    import dask

    shield_children()
    with tempfile.TemporaryDirectory(prefix="fer_ros_workers_") as folder:
        # For good: workers that are started again take it too. They import from a folder of theirs,
        # which by default lies in one that whoever is first may make for all users.
        dask.config.set({**QUIET, "temporary-directory": folder})
        with _started(workers) as client:
            yield client


@contextlib.contextmanager
def _started(workers):
    from distributed import Client, LocalCluster, Security

    try:
        security = Security.temporary()
        with start.uninterrupted(), start.undisturbed_children():
            cluster = LocalCluster(
                n_workers=workers,
                # One thread each: the pipeline is for one, and decoding holds the interpreter.
                threads_per_worker=1,
                host="127.0.0.1",
                protocol="tls://",
                security=security,
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                worker_dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
    except (OSError, RuntimeError) as error:
        raise ClusterError(f"the workers do not start: {error.__cause__ or error}") from None
    with cluster, Client(cluster, security=security) as client:
        try:
            yield client
        except KeyboardInterrupt:
            # Waited for, each worker takes seconds; what it was at is evaluated again.
            for child in multiprocessing.active_children():
                child.kill()
            raise
