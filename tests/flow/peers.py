"""Other people's programs as peers of the server: a proxy and registrar (Kamailio), a softphone (linphone).

Each runs on free ports of loopback with a configuration written here, in a folder of its own, and is ended with
the test that started it.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import numpy

import lib

KAMAILIO_MODULES = ("/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib/aarch64-linux-gnu/kamailio/modules",
                    "/usr/lib/kamailio/modules")


def end(process, seconds=5):
    """Ends a process that leads its own group, and all that it started."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Kamailio:
    """Debian's Kamailio with a configuration of the test's: `text` has %(port)d, %(modules)s, %(directory)s and the
    names of `values` in it. It is there when its UDP port is taken."""

    def __init__(self, text, **values):
        self.port = lib.free_port()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="kamailio-"))
        modules = next(p for p in KAMAILIO_MODULES if os.path.isdir(p))
        config = self.directory / "kamailio.cfg"
        config.write_text(text % (values | {"port": self.port, "modules": modules, "directory": self.directory}))
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen([shutil.which("kamailio") or "/usr/sbin/kamailio", "-f", str(config), "-DD", "-E",
                                         "-Y", str(self.directory), "-m", "64", "-M", "8"],
                                        stdout=self.log, stderr=self.log, cwd=self.directory, start_new_session=True)
        lib._running.append(self)
        lib.wait_for("kamailio listens", self.is_up, 15)

    def log_text(self):
        return (self.directory / "log").read_text(errors="replace")

    def is_up(self):
        assert self.process.poll() is None, self.log_text()[-1500:]
        return lib.is_taken(self.port)

    def stop(self):
        if self in lib._running:
            lib._running.remove(self)
        end(self.process)
        self.log.close()


LINPHONE = """[sip]
sip_port=%(udp)d
sip_tcp_port=%(tcp)d
sip_tls_port=0
use_ipv6=0
default_proxy=-1
contact="%(name)s" <sip:%(name)s@127.0.0.1>
media_encryption=%(encryption)s
[rtp]
audio_rtp_port=%(rtp)d
[net]
mtu=1300
"""


class Linphone:
    """Debian's linphonec: speaks a WAV file (8 kHz), records what it hears; told what to do line by line."""

    def __init__(self, name, wav, transport="udp", answer=True, encryption="none"):
        self.name = name
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"linphone-{name}-"))
        (self.directory / ".local/share/linphone").mkdir(parents=True)
        self.port = lib.free_port()
        self.uri = f"sip:{name}@127.0.0.1:{self.port}"
        ports = {"udp": 0, "tcp": 0, transport: self.port}
        (self.directory / "linphonerc").write_text(
            LINPHONE % ({"name": name, "rtp": lib.free_port(), "encryption": encryption} | ports))
        self.recorded = self.directory / "heard.wav"
        self.output = open(self.directory / "output", "wb")
        command = ["linphonec", "-c", "linphonerc", "-d", "5", "-l", "log"] + (["-a"] if answer else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self.output, stderr=self.output,
                                        cwd=self.directory, env=os.environ | {"HOME": str(self.directory)},
                                        start_new_session=True)
        lib._running.append(self)
        for line in ("soundcard use files", f"play {wav}", f"record {self.recorded}"):
            self.command(line)
        lib.wait_for("linphone listens", lambda: "linphonec> record" in self.said(), 15)

    def command(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def said(self):
        return (self.directory / "output").read_text(errors="replace")

    def heard(self):
        """Nothing before the file is whole, a little after the end of the call."""
        try:
            return lib.read_wav_8k(self.recorded)
        except subprocess.CalledProcessError:
            return numpy.zeros(0, numpy.int16)

    def stop(self):
        """At once: it would wait for seconds for a server that may have gone before."""
        if self in lib._running:
            lib._running.remove(self)
        end(self.process, 0)
        self.output.close()
