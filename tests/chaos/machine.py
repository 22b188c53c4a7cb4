"""A machine of its own to start units on: a systemd as process 1 of its own namespaces, which leaves ours alone.

It sees our programs and the network, so that servers of the test can be reached. Everything else is its own or
read-only: the root, /sys and /proc/sys are read-only, /etc and /var are overlays that are thrown away, /run, /tmp,
/var/tmp and /dev are private, its control groups lie below one that is removed at the end, and of units it sees only
those that it is given: nothing of the machine's is started, and nothing cleans anybody's /tmp.
"""

import contextlib
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import frostguard
from tests.waiting import eventually

ROOT = Path(frostguard.__file__).parent.parent
SYSTEMD = Path("/usr/lib/systemd/systemd")
NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--cgroup")
ENTER = ("-p", "-m", "-u", "-i", "-C")
COVERED = ("/tmp", "/var/tmp", "/root", "/home")
STUBS = ("basic", "sysinit", "shutdown", "umount", "network-online", "timers", "multi-user")

BOOT = """
set -eu
umask 022
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
n=0
for each in {keep}; do n=$((n + 1)); mkdir -p /run/keep/$n; mount --bind "$each" /run/keep/$n; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
for each in /root /home; do mount -t tmpfs -o mode=755 tmpfs $each; done
n=0
for each in {keep}; do n=$((n + 1)); mkdir -p "$each"; mount --bind /run/keep/$n "$each"; done
for each in etc var; do
  mkdir -p /run/over/$each/upper /run/over/$each/work
  mount -t overlay -o lowerdir=/$each,upperdir=/run/over/$each/upper,workdir=/run/over/$each/work overlay /$each
done
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/dev
mount -t tmpfs -o mode=755 tmpfs /mnt/dev
for each in null zero full random urandom tty; do touch /mnt/dev/$each; mount --bind /dev/$each /mnt/dev/$each; done
touch /mnt/dev/console
mount --bind {console} /mnt/dev/console
mkdir /mnt/dev/shm /mnt/dev/pts /mnt/dev/mqueue
mount -t tmpfs -o mode=1777 tmpfs /mnt/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /mnt/dev/pts
ln -s pts/ptmx /mnt/dev/ptmx
mount --move /mnt/dev /dev
mount -t cgroup2 cgroup2 /mnt
mount --bind /sys /sys
mount -o remount,ro,bind /sys
mount --bind /mnt /sys/fs/cgroup
umount /mnt
mount --bind /proc/sys /proc/sys
mount -o remount,ro,bind /proc/sys
cp -r {prefix}/etc/frostguard /etc/
systemd-sysusers {prefix}/usr/local/lib/sysusers.d/frostguard.conf
systemd-tmpfiles --create {prefix}/usr/local/lib/tmpfiles.d/frostguard.conf
mount -o remount,ro,bind /
mount --make-rshared / # among namespaces of this machine: credentials are mounted in one and seen in another
exec env -i PATH="$PATH" container=lxc SYSTEMD_UNIT_PATH={units}:{prefix}/usr/local/lib/systemd/system \\
  SYSTEMD_GENERATOR_PATH=/run/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/run/none \\
  {systemd} --unit=first.target --log-target=console --log-level=info --show-status=no
"""


def why_not() -> str:
    """Return what keeps a machine from being started here; empty if nothing does."""
    if os.geteuid() != 0:
        return "only root can start a systemd of its own"
    missing = [tool for tool in ("unshare", "nsenter", "systemctl", "systemd-sysusers") if shutil.which(tool) is None]
    if missing or not SYSTEMD.exists():
        return f"this machine has no {', '.join(missing) or 'systemd'}"
    if _groups() is None:
        return "this machine has no control groups of version 2"
    tried = [
        "unshare",
        "--fork",
        *NAMESPACES,
        "--mount-proc",
        "sh",
        "-c",
        "mount --make-rprivate / && mount -t tmpfs x /mnt",
    ]
    said = subprocess.run(tried, capture_output=True, text=True, check=False)
    return "" if said.returncode == 0 else f"namespaces are not allowed here: {said.stderr.strip()}"


def _groups() -> Path | None:
    """Where our own control group of version 2 is."""
    own = Path("/proc/self/cgroup").read_text().partition("0::")[2].split("\n")[0].lstrip("/")
    for mounted in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if (mounted / "cgroup.controllers").exists():
            return mounted / own
    return None


class Machine:
    """The machine, while it runs. `folder` is seen by both sides under the same name; its units log into it."""

    def __init__(self, folder: Path, prefix: Path) -> None:
        self.folder = folder
        self.units = folder / "units"
        self._prefix = prefix
        groups = _groups()
        assert groups is not None
        self._group = groups / f"frostguard-test-{os.getpid()}"
        self._unshare: subprocess.Popen[bytes] | None = None
        self._first = 0
        self._main, self._console = pty.openpty()

    @property
    def console(self) -> str:
        """What process 1 said."""
        said = self.folder / "console"
        return said.read_text(errors="replace") if said.exists() else ""

    def unit(self, name: str, text: str) -> None:
        """Give it a unit, or a drop-in."""
        path = self.units / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def start(self) -> None:
        """Boot it, to nothing."""
        for stub in (*STUBS, "first"):
            self.unit(f"{stub}.target", f"[Unit]\nDescription={stub}\nDefaultDependencies=no\n")
        # A program in a folder that the units hide is for tests only.
        hidden = [path for path in self._keep() if path.is_relative_to("/root") or path.is_relative_to("/home")]
        for service in sorted((self._prefix / "usr/local/lib/systemd/system").glob("*.service")):
            log = self.folder / f"{service.stem.rstrip('@')}.log"
            self.unit(
                f"{service.name}.d/test.conf",
                f"[Service]\nStandardOutput=append:{log}\nStandardError=append:{log}\n"
                + ("ProtectHome=no\n" if hidden else "")
                + ("PrivateTmp=no\n" if any(path.is_relative_to("/tmp") for path in (ROOT, *hidden)) else ""),
            )
        self._group.mkdir()
        script = self.folder / "boot.sh"
        script.write_text(self._script())
        threading.Thread(target=self._read_console, daemon=True).start()
        self._unshare = subprocess.Popen(
            ["sh", "-c", f'echo $$ > {self._group}/cgroup.procs; exec "$@"', "sh",
             "unshare", "--fork", *NAMESPACES, "--mount-proc", "--kill-child", "bash", str(script)],
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=self._console,
        )  # fmt: skip
        eventually(self._is_up, f"process 1 answers; what it said is in {self.folder}", 30)

    def _keep(self) -> list[Path]:
        """What lies in folders that are covered, and is needed."""
        wanted = {self.folder, ROOT, Path(sys.prefix), Path(sys.base_prefix)}
        return sorted(path for path in wanted if any(path.is_relative_to(covered) for covered in COVERED))

    def _script(self) -> str:
        return BOOT.format(
            keep=" ".join(shlex.quote(str(path)) for path in self._keep()), console=os.ttyname(self._console),
            prefix=self._prefix, units=self.units, systemd=SYSTEMD,
        )  # fmt: skip

    def _read_console(self) -> None:
        with (self.folder / "console").open("wb") as to, contextlib.suppress(OSError):
            while chunk := os.read(self._main, 65536):
                to.write(chunk)
                to.flush()

    def _is_up(self) -> bool:
        assert self._unshare is not None
        assert self._unshare.poll() is None, self.console
        with contextlib.suppress(OSError, IndexError):
            self._first = int(
                Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split()[0]
            )
        return bool(self._first) and self.run("systemctl", "is-active", "first.target").stdout.strip() == "active"

    def run(self, *command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command on it."""
        return subprocess.run(
            ["nsenter", "-t", str(self._first), *ENTER, *command],
            capture_output=True, text=True, check=False, timeout=seconds,
        )  # fmt: skip

    def systemctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("systemctl", "--no-pager", *arguments)

    def property(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.systemctl("show", "--property", name, "--value", unit).stdout.strip()

    def pid(self, unit: str) -> int:
        """The number of its main process, as the machine counts; 0 if it has none."""
        return int(self.property(unit, "MainPID") or 0)

    def kill(self, unit: str, how: signal.Signals) -> None:
        """Send a signal to its main process alone."""
        self.run("kill", f"-{how.name.removeprefix('SIG')}", str(self.pid(unit)))

    def waits_for(self, unit: str, name: str, value: str, seconds: float = 60) -> None:
        """Wait until a property begins with a value."""
        what = f"{unit}: {name} is {value}"
        end = time.monotonic() + seconds
        while not (found := self.property(unit, name)).startswith(value):
            assert time.monotonic() < end, f"not within {seconds} s: {what}, it is {found}; {self.log_of(unit)[-1500:]}"
            time.sleep(0.1)

    def log_of(self, unit: str) -> str:
        """What its program said."""
        log = self.folder / f"{unit.partition('@')[0].removesuffix('.service')}.log"
        return log.read_text() if log.exists() else ""

    def stop(self) -> None:
        """Switch it off at once: with its process 1 everything of it ends."""
        if self._unshare is not None:
            self._unshare.kill()
            self._unshare.wait()
        for group in sorted(self._group.rglob("*"), reverse=True) if self._group.exists() else []:
            if group.is_dir():
                _remove_group(group)
        _remove_group(self._group)
        os.close(self._console)
        os.close(self._main)


def _remove_group(group: Path, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while group.exists() and time.monotonic() < end:
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.05)


@contextmanager
def machine(folder: Path, prefix: Path) -> Iterator[Machine]:
    """A machine that has booted, to nothing; switched off in any case."""
    made = Machine(folder, prefix)
    try:
        made.start()
        yield made
    finally:
        made.stop()
