"""A real Elasticsearch for the whole run. ``python -m tests.parts.elastic`` fetches the server beforehand.

Elastic publishes a server without optional modules on Maven Central for authors of plugins
(org.elasticsearch.distribution.integ-test-zip). Maven fetches it, so the user's own Maven settings decide from where;
it is unpacked outside of the checkout and never committed (its licence is Elastic's, not ours).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import absent, as_account, folder_of, free_port, until

VERSION = "8.19.21"  # the newest 8.19 that was tried; 8.19 runs on Debian's Java 17, 9 needs Java 21
SHA256 = "215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a"
ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
#: Elasticsearch refuses to run as root.
ACCOUNT = "nobody"


def cache() -> Path:
    """Where the unpacked server is kept. Root's own home is closed to the account that runs it."""
    given = os.environ.get("XDG_CACHE_HOME")
    own = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    return (Path(given) if given else own) / "wenzheng" / f"elasticsearch-{VERSION}"


def fetch() -> Path:
    """The unpacked server, fetched with Maven if it is not there.

    Raises:
        RuntimeError: Maven is not installed, could not fetch it, or fetched something else.
    """
    home = cache()
    if (home / "lib").is_dir():
        return home
    maven = shutil.which("mvn")
    if maven is None:
        raise RuntimeError("Maven is not installed: Debian's package maven")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        at = Path(folder)
        done = subprocess.run(
            [maven, "-B", "-q", "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={at}"],
            cwd=at,
            capture_output=True,
            text=True,
        )
        fetched = at / f"elasticsearch-{VERSION}.zip"
        if done.returncode or not fetched.exists():
            raise RuntimeError(f"Maven could not fetch {ARTIFACT}: {(done.stdout + done.stderr)[-500:]}")
        with fetched.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
                raise RuntimeError(f"{ARTIFACT} is not the file that is known here: its SHA-256 differs")
        with zipfile.ZipFile(fetched) as archive:
            archive.extractall(at)
        unpacked = at / f"elasticsearch-{VERSION}"
        for program in [*(unpacked / "bin").iterdir(), *unpacked.glob("lib/**/*controller*")]:
            program.chmod(0o755)
        at.chmod(0o755)
        try:
            unpacked.rename(home)
        except OSError:
            if not (home / "lib").is_dir():  # else somebody was quicker
                raise
    return home


class ElasticServer:
    """One server of one node, without security.

    Args:
        folder: empty, owned by the account that will run the server.
        address: of this machine, to be asked on; pods of a cluster cannot reach the loopback.
    """

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        java = shutil.which("java")
        if java is None:
            raise RuntimeError("Java is not installed: Debian's package openjdk-17-jre-headless")
        self._home = fetch()
        self._java = Path(java).resolve().parents[1]
        self._folder = folder
        self._address, self._port = address, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        _configure(self._home, folder, address, self._port)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self._address}:{self._port}"

    def start(self) -> None:
        """Start it (again, on the same port, with its data) and wait until it answers."""
        self._process = _start(self._home, self._folder, self._java)
        until(self._answers, 110, "Elasticsearch did not answer")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it: SIGTERM in order, SIGKILL as a crash does."""
        process, self._process = self._process, None
        if process is None:
            return
        os.killpg(process.pid, how)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"Elasticsearch stopped: {(self._folder / 'server.log').read_text()[-1000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[str]:
    """URL of a running server of one node, without security, on the loopback. Tests take index names of their own."""
    if shutil.which("java") is None:
        absent("Java", "openjdk-17-jre-headless")
    if not cache().is_dir() and shutil.which("mvn") is None:
        absent("Maven", "maven")
    with folder_of(ACCOUNT, "elasticsearch") as folder:
        server = ElasticServer(folder)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


def _configure(home: Path, folder: Path, address: str, port: int) -> None:
    """Put configuration, data and logs into ``folder``; the unpacked server is only read."""
    shutil.copytree(home / "config", folder / "config")
    (folder / "config" / "elasticsearch.yml").write_text(
        f"cluster.name: wenzheng-test\nnode.name: one\ndiscovery.type: single-node\nxpack.security.enabled: false\n"
        f"network.host: 127.0.0.1\nhttp.host: {address}\nhttp.port: {port}\ntransport.port: {free_port()}\n"
        f"cluster.routing.allocation.disk.threshold_enabled: false\n"
        f"path.data: {folder / 'data'}\npath.logs: {folder / 'log'}\n"
    )
    (folder / "tmp").mkdir()
    if os.geteuid() == 0:
        for path in folder.rglob("*"):
            shutil.chown(path, ACCOUNT)


def _start(home: Path, folder: Path, java_home: Path) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ES_", "JAVA_", "JDK_"))}
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(
            [*as_account(ACCOUNT), home / "bin" / "elasticsearch"],
            env=kept
            | {
                "ES_JAVA_HOME": str(java_home),
                "ES_PATH_CONF": str(folder / "config"),
                "ES_TMPDIR": str(folder / "tmp"),
                "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
                "HOME": str(folder),
            },
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


if __name__ == "__main__":
    try:
        fetch()
    except RuntimeError as problem:
        sys.exit(str(problem))
