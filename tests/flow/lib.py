"""What the flow tests share: a real hearthd, real phones, a little signal analysis.

Each test_*.py is run by the driver with /usr/bin/python3. A test function is registered with @case and
prints one line, `ok NAME` or `not ok NAME: why`. Everything stays on loopback; ports are taken free.
The server under test is $HEARTHD (default: the first of build/asan, build/release that exists).
"""
import atexit
import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import wave

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
RATE = 8000
FRAME_S, FRAME = 0.02, 160
EVENTS = {**{str(i): i for i in range(10)}, "*": 10, "#": 11}  # RFC 4733 3.2
LOCKS = "/tmp"  # the same folder for every script, whatever TMPDIR says
API_TOKEN = "of-the-tests"  # of servers that serve the API beyond loopback
_cases = []
_running = []


# Running ------------------------------------------------------------------------------------------

def case(function):
    _cases.append(function)
    return function


def main():
    """Runs the registered cases, or those named on the command line. Exit status 1 when one failed."""
    wanted = sys.argv[1:]
    failed = 0
    for function in _cases:
        if wanted and function.__name__ not in wanted:
            continue
        name = f"{pathlib.Path(sys.argv[0]).stem}.{function.__name__}"
        try:
            function()
            print(f"ok {name}", flush=True)
        except Exception as error:  # a test fails for any reason
            failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            last = str(error).splitlines()[0] if str(error) else repr(error)
            print(f"not ok {name}: {last} ({pathlib.Path(where.filename).name}:{where.lineno})", flush=True)
            traceback.print_exc()
        finally:
            stop_all()
    sys.exit(1 if failed else 0)


def stop_all():
    while _running:
        with contextlib.suppress(Exception):
            _running.pop().stop()


atexit.register(stop_all)


# What to multiply with how long a test waits for what must come: ./test asks for more, as it runs much at a time.
PATIENCE = float(os.environ.get("HEARTH_PATIENCE", "1"))


def wait_for(what, condition, seconds=10.0, pause=0.05):
    """The first true value of condition() within the time (by PATIENCE); AssertionError that names `what` otherwise."""
    seconds *= PATIENCE
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(pause)


# Below media.ports, those of the unit tests, and the ports that the kernel gives to those who ask for none.
PORTS = range(9000, 15000, 2)
_port_locks = []  # held until this process ends: scripts run side by side


def _is_free(port):
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            for each in (port, port + 1):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", each))
    except OSError:
        return False
    return True


def _lock(port):
    """True when this pair is ours alone from now on."""
    lock = open(pathlib.Path(LOCKS) / f"hearth-port-{port}.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    _port_locks.append(lock)
    return True


def free_port(pairs=1):
    """An even port that is free for UDP and TCP on loopback, and so is the next one; given to no other script. SIPp
    wants two pairs for its media: it binds one for video, too."""
    for port in random.sample(PORTS, len(PORTS)):
        wanted = range(port, port + 2 * pairs, 2)
        if all(map(_lock, wanted)) and all(map(_is_free, wanted)):
            return port
    raise AssertionError("no free port")


def is_taken(port):
    """Whether somebody listens there by UDP on IPv4. To try and bind it would take it from who is about to."""
    return f":{port:04X} " in pathlib.Path("/proc/net/udp").read_text()


# The server -----------------------------------------------------------------------------------------

def hearthd_path():
    if "HEARTHD" in os.environ:
        return str(pathlib.Path(os.environ["HEARTHD"]).resolve())  # servers run in folders of their own
    for preset in ("asan", "release", "dev"):
        path = ROOT / "build" / preset / "hearthd"
        if path.exists():
            return str(path)
    raise AssertionError("hearthd is not built")


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.text = response.status, response.headers, body.decode(errors="replace")
        self.json = json.loads(self.text) if "json" in (self.headers.get("Content-Type") or "") else None


class Hearth:
    """A hearthd of our own on free ports. stop() asserts that it went in good order and silently."""

    def __init__(self, directory=None, check=True, address="127.0.0.1", within=(), **options):
        """`within`: words before the command, of an `ip netns exec`; `address`: its own there."""
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="hearth-"))
        self.sip_port, self.http_port, self.address = free_port(), free_port(), address
        self.host = f"{address}:{self.sip_port}"
        settings = {
            "sip.listen": f"udp:{self.host},tcp:{self.host}",
            "http.listen": f"{address}:{self.http_port}",
            "http.token": "" if address.startswith("127.") else API_TOKEN,
            "store.path": str(self.directory / "hearth.db"),
            "log.level": "debug",
            "prompts.cache": "",  # no voice reads what a test does not speak of
            "prompts.farewell_s": "0",  # who is rung off is rung off at once
        } | {key.replace("__", "."): value for key, value in options.items()}
        self.log_path = self.directory / "hearthd.log"
        self.log = open(self.log_path, "ab")
        command = [*within, hearthd_path()]
        for key, value in settings.items():
            command += ["-o", f"{key}={value}"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=self.directory,
                                        env=os.environ | {"TSAN_OPTIONS": "halt_on_error=1"})
        _running.append(self)
        if check:
            wait_for("hearthd is ready", self.is_ready, 20)

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"hearthd ended with {self.process.returncode}: {self.log_text()[-2000:]}")
        try:
            return self.api("GET", "/readyz").status == 200
        except OSError:
            return False

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def api(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.address, self.http_port, timeout=10 * PATIENCE)
        try:
            data = None if body is None else body if isinstance(body, (str, bytes)) else json.dumps(body)
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            if data is not None:
                headers.setdefault("Content-Type", "application/json")
            if not self.address.startswith("127."):
                headers.setdefault("Authorization", f"Bearer {API_TOKEN}")
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def room(self, room):
        answer = self.api("GET", f"/api/v1/rooms/{room}")
        return answer.json if answer.status == 200 else None

    def participants(self, room):
        answer = self.api("GET", f"/api/v1/rooms/{room}/participants")
        return answer.json["participants"] if answer.status == 200 else []

    def connected(self, room):
        return [p for p in self.participants(room) if p["state"] in ("connected", "on-hold")]

    def wait_connected(self, room, count):
        """Until so many are: the ACK of who was answered may not have been read yet."""
        wait_for(f"{count} are connected in {room}", lambda: len(self.connected(room)) == count)

    def metric(self, name):
        """Value of one sample line of /metrics, `name` with its labels as printed; 0 when missing."""
        for line in self.api("GET", "/metrics").text.splitlines():
            if line.rsplit(" ", 1)[0] == name:
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def stop(self):
        if self in _running:
            _running.remove(self)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                wait_for("it ends", self.has_ended, 15, 0.02)
            except AssertionError:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"hearthd did not stop: {self.log_path}") from None
        self.log.close()
        text = self.log_text()
        for sign in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer"):
            assert sign not in text, f"{sign} in {self.log_path}:\n{text[text.index(sign):][:3000]}"
        assert self.process.returncode == 0, f"hearthd ended with {self.process.returncode}: {text[-1500:]}"


    def has_ended(self):
        """Whether it has; it rings everybody off first, and waits for phones that say nothing: nobody else reads what theirs get."""
        for phone in [p for p in _running if isinstance(p, Phone) and p.hearth is self]:
            phone.takes_its_leave()
        return self.process.poll() is not None


class Events:
    """Reads /api/v1/events in a thread; .all is a list of (id, name, data)."""

    def __init__(self, hearth, last_id=None):
        self.all = []
        self.connection = http.client.HTTPConnection("127.0.0.1", hearth.http_port, timeout=60 * PATIENCE)
        headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
        self.connection.request("GET", "/api/v1/events", headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.status
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        _running.append(self)

    def _read(self):
        event = {}
        with contextlib.suppress(Exception):
            for raw in self.response:
                line = raw.decode().rstrip("\r\n")
                if line and not line.startswith(":"):
                    key, _, value = line.partition(": ")
                    event[key] = value
                elif not line and "data" in event:
                    if event.get("event") != "stream.open":  # the greeting, no event of the focus
                        self.all.append((int(event.get("id", 0)), event.get("event"), json.loads(event["data"])))
                    event = {}

    def named(self, name):
        return [data for _, event, data in list(self.all) if event == name]

    def wait(self, name, seconds=10, **fields):
        def found():
            for data in self.named(name):
                if all(data.get(key) == value for key, value in fields.items()):
                    return data
            return None
        return wait_for(f"event {name} {fields}", found, seconds)

    def stop(self):
        with contextlib.suppress(Exception):
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()


# Sound -----------------------------------------------------------------------------------------------

def _ulaw_tables():
    codes = numpy.arange(256)
    inverted = ~codes & 0xff
    magnitude = (((inverted & 15) << 3) + 132 << ((inverted >> 4) & 7)) - 132
    decode = numpy.where(inverted & 0x80, -magnitude, magnitude).astype(numpy.int16)
    order = numpy.argsort(decode, kind="stable")
    return decode, codes[order].astype(numpy.uint8), decode[order].astype(numpy.int32)


_ULAW, _ULAW_CODES, _ULAW_LEVELS = _ulaw_tables()


def ulaw_decode(octets):
    return _ULAW[numpy.frombuffer(bytes(octets), dtype=numpy.uint8)]


def ulaw_encode(samples):
    """Nearest code of each sample."""
    samples = numpy.clip(numpy.asarray(samples, dtype=numpy.int32), -32124, 32124)
    right = numpy.clip(numpy.searchsorted(_ULAW_LEVELS, samples), 1, 255)
    nearer = (samples - _ULAW_LEVELS[right - 1]) < (_ULAW_LEVELS[right] - samples)
    return _ULAW_CODES[numpy.where(nearer, right - 1, right)].tobytes()


def tone(hz, seconds, amplitude=3000.0):
    return (amplitude * numpy.sin(2 * numpy.pi * hz * numpy.arange(int(seconds * RATE)) / RATE)).astype(numpy.int16)


def tone_level(samples, hz):
    """Amplitude of a sine of `hz` in the samples."""
    samples = numpy.asarray(samples, dtype=float)
    if len(samples) == 0:
        return 0.0
    turn = numpy.exp(-2j * numpy.pi * hz * numpy.arange(len(samples)) / RATE)
    return 2 * abs(numpy.dot(samples, turn)) / len(samples)


def tone_heard(samples, hz):
    """The same as the median over pieces of 0.2 s: on a busy machine packets come late, what conceals them moves the
    phase, and a long piece with two phases adds up to nothing though the tone is loud throughout."""
    size = RATE // 5
    levels = [tone_level(samples[at:at + size], hz) for at in range(0, len(samples) - size + 1, size)]
    return float(numpy.median(levels)) if levels else 0.0


def _until_tones(what, phone, tones, is_right, seconds):
    def heard():
        return {hz: round(getattr(phone, "rtp", phone).tone(hz)) for hz in tones}
    try:
        wait_for(f"{getattr(phone, 'name', 'it')} hears {what}{' and '.join(map(str, tones))} Hz", lambda: all(map(is_right, heard().values())),
                 seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}: {heard()}") from None


def hears(phone, *tones, above=1500, seconds=30):
    """Waits until it hears all these tones at a time."""
    _until_tones("", phone, tones, lambda level: level > above, seconds)


def hears_not(phone, *tones, below=100, seconds=30):
    """Waits until it hears none of them any more."""
    _until_tones("no ", phone, tones, lambda level: level < below, seconds)


def frames_in_order(source, packets):
    """How many frames of the source were heard, in their order, and how many there are; what is between does not matter."""
    want = [source[at:at + FRAME].astype(int) for at in range(0, len(source) - FRAME + 1, FRAME)]
    found = 0
    for packet in packets:
        got = ulaw_decode(packet[4]).astype(int)
        if found < len(want) and len(got) == FRAME and numpy.all(abs(got - want[found]) <= 8 + abs(want[found]) // 16):
            found += 1
    return found, len(want)


def read_wav(path):
    """16-bit samples of a WAV file, also of one whose header was not finished."""
    data = pathlib.Path(path).read_bytes()
    at = data.find(b"data")
    body = data[at + 8:]
    return numpy.frombuffer(body[:len(body) & ~1], dtype=numpy.int16)


def write_wav(path, samples):
    """16 bits, 8 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(numpy.asarray(samples, dtype="<i2").tobytes())


def read_wav_8k(path):
    """The same brought to 8 kHz, whatever rate it has."""
    small = str(path) + ".8k.wav"
    subprocess.run(["sox", "--ignore-length", str(path), "-r", str(RATE), "-c", "1", "-b", "16", small], check=True,
                   stderr=subprocess.DEVNULL)
    return read_wav(small)


class _SoundFile(ctypes.Structure):
    _fields_ = [("frames", ctypes.c_int64)] + [(name, ctypes.c_int) for name in ("rate", "channels", "format", "sections", "seekable")]


def _libsndfile():
    library = ctypes.CDLL("libsndfile.so.1")
    library.sf_open.restype = ctypes.c_void_p
    library.sf_readf_short.restype = library.sf_writef_short.restype = ctypes.c_int64
    return library


def sound_seconds(path):
    """Of whatever libsndfile reads, as far as it can be decoded."""
    library, about = _libsndfile(), _SoundFile()
    file = library.sf_open(str(path).encode(), 0x10, ctypes.byref(about))
    assert file, f"{path} does not open"
    sound = (ctypes.c_int16 * (48000 * 10))()
    read = library.sf_readf_short(ctypes.c_void_p(file), sound, ctypes.c_int64(48000 * 10))
    library.sf_close(ctypes.c_void_p(file))
    return read / about.rate


def write_opus(path, samples):
    """Samples of 8 kHz as Ogg/Opus."""
    library, about = _libsndfile(), _SoundFile(rate=48000, channels=1, format=0x200000 | 0x64)
    file = library.sf_open(str(path).encode(), 0x20, ctypes.byref(about))
    assert file, "libsndfile writes no Ogg/Opus"
    sound = numpy.repeat(numpy.asarray(samples, numpy.int16), 48000 // RATE)
    library.sf_writef_short(ctypes.c_void_p(file), sound.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(sound)))
    library.sf_close(ctypes.c_void_p(file))


def speech(path, text, voice="en", seconds=None, speed=150, times=1):
    """Speech by espeak-ng at 8 kHz into `path`, said `times` times, then padded with silence to `seconds`. Returns the
    samples."""
    raw = str(path) + ".raw.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", raw, text], check=True)
    effects = ["repeat", str(times - 1)]
    effects += ["pad", "0", "0"] if seconds is None else ["pad", "0", str(seconds), "trim", "0", str(seconds)]
    subprocess.run(["sox", raw, "-r", str(RATE), "-c", "1", "-b", "16", str(path), *effects], check=True,
                   stderr=subprocess.DEVNULL)
    os.unlink(raw)
    return read_wav(path)


def likeness(recorded, spoken, piece_s=1.0):
    """How much of `spoken` is in `recorded`, 0 to 1: the median over its loud pieces of the best
    normalised cross-correlation. Alone it is near 1, mixed with one equal voice near 0.7, absent under 0.3."""
    recorded = numpy.asarray(recorded, dtype=float)
    size = int(piece_s * RATE)
    if len(recorded) < size:
        return 0.0
    pieces = [spoken[i:i + size].astype(float) for i in range(0, len(spoken) - size + 1, size)]
    loudest = max((numpy.linalg.norm(p) for p in pieces), default=0.0)
    pieces = [p for p in pieces if numpy.linalg.norm(p) > loudest * 0.4]
    length = 1 << (len(recorded) + size).bit_length()
    spectrum = numpy.fft.rfft(recorded, length)
    sums = numpy.concatenate(([0.0], numpy.cumsum(recorded ** 2)))
    energy = numpy.sqrt(numpy.maximum(sums[size:] - sums[:-size], 1.0))
    best = []
    for piece in pieces:
        product = numpy.fft.irfft(spectrum * numpy.conj(numpy.fft.rfft(piece, length)), length)[:len(energy)]
        best.append(float(numpy.max(product / (energy + size * 1e-3) / max(numpy.linalg.norm(piece), 1.0))))
    return float(numpy.median(best)) if best else 0.0


# Phones ----------------------------------------------------------------------------------------------

class Baresip:
    """Debian's baresip: speaks a WAV file, records what it hears. The call ends when the file does."""

    def __init__(self, name, wav, dial=None, transport="udp", answer=True, account=None, media=("g711",), more="",
                 rate=RATE, commands=()):
        """`account`: all of it but the answer mode, "" none; `commands`: typed at its start; `media`: modules of codecs and media encryption; `more`: parameters
        of the account; `rate`: of its devices."""
        self.name, self.rate = name, rate
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"baresip-{name}-"))
        self.port, self.control, rtp = free_port(), free_port(), free_port()
        self.uri = f"sip:{name}@127.0.0.1:{self.port}"
        modules = "/usr/lib/baresip/modules"
        (self.directory / "config").write_text(f"""
sip_listen 127.0.0.1:{self.port}
net_interface 127.0.0.1
audio_player aubridge,player{name}
audio_source aufile,{wav}
audio_alert aubridge,alert{name}
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
audio_txmode thread
rtp_ports {rtp}-{rtp + 30}
module_path {modules}
{chr(10).join(f"module {module}.so" for module in media)}
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{self.control}
snd_path {self.directory}
""")
        mode = "auto" if answer else "manual"
        if account is None:
            account = f"<{self.uri};transport={transport}>;regint=0"
        (self.directory / "accounts").write_text(f"{account};answermode={mode}{more}\n" if account else "")
        (self.directory / "contacts").write_text("")
        self.log = open(self.directory / "log", "wb")
        command = ["baresip", "-f", str(self.directory), "-v"]
        if dial:
            command += ["-e", f"/dial {dial}" + (";transport=tcp" if transport == "tcp" else "")]
        command += [word for text in commands for word in ("-e", text)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                        cwd=self.directory)
        _running.append(self)

    def log_text(self):
        return (self.directory / "log").read_text(errors="replace")

    def command(self, text, params=""):
        """A command of baresip's menu over its control port (netstring-framed JSON)."""
        body = json.dumps({"command": text, "params": params}).encode()
        with socket.create_connection(("127.0.0.1", self.control), 5) as control:
            control.sendall(b"%d:%s," % (len(body), body))
            control.settimeout(5)
            with contextlib.suppress(OSError):
                return control.recv(65536).decode(errors="replace")
        return ""

    def established(self):
        return "Call established" in self.log_text()

    def ended(self):
        return self.process.poll() is not None or "terminated (duration" in self.log_text()

    def heard(self):
        files = sorted(self.directory.glob("dump-*-dec.wav"))
        if files and self.rate != RATE:
            return read_wav_8k(files[-1])
        return read_wav(files[-1]) if files else numpy.zeros(0, numpy.int16)

    def stop(self):
        if self in _running:
            _running.remove(self)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33  # socket(7); Python has no names for them


class _Exchange:
    """The sound of all endpoints of a script, in one thread: each 20 ms it takes what has come, which has the kernel's time, and
    sends what is due. What it is late with it does at once."""

    def __init__(self):
        self.ends, self.poll = {}, select.epoll()
        self.changed = threading.Condition()
        self.thread = None

    def add(self, end):
        with self.changed:
            self.ends[end.socket.fileno()] = end
            self.poll.register(end.socket.fileno(), select.EPOLLIN)
            self.changed.notify()
            if not self.thread:
                self.thread = threading.Thread(target=self._run, daemon=True)
                self.thread.start()

    def remove(self, end):
        with self.changed:
            if self.ends.pop(end.socket.fileno(), None):
                self.poll.unregister(end.socket.fileno())

    def _run(self):
        due = time.monotonic()
        while True:
            with self.changed:
                if not self.ends:
                    self.changed.wait()
                    due = time.monotonic()
                for number, _ in self.poll.poll(0):
                    self.ends[number].receive()
                for end in self.ends.values():
                    end.tick()
            due += FRAME_S
            time.sleep(max(0, due - time.monotonic()))


_exchange = _Exchange()


class Rtp:
    """A PCMU endpoint on loopback: sends `samples` round and round each 20 ms, keeps what it hears."""

    def __init__(self, samples=None, address="127.0.0.1"):
        self.port = free_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, self.port))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE if os.geteuid() == 0 else socket.SO_RCVBUF, 1 << 22)
        self.samples = numpy.zeros(FRAME, numpy.int16) if samples is None else samples
        self.remote = None
        self.packets = []        # (arrival by time.monotonic(), sequence, marker, payload type, octets)
        self.extra = []          # packets (bytes) to send in place of the next ones: digits, rubbish
        self.running = False
        self.at = 0              # samples that were sent
        self.seq, self.timestamp, self.ssrc = 1000, 160, int.from_bytes(os.urandom(4), "big")

    @property
    def samples(self):
        return self._samples

    @samples.setter
    def samples(self, samples):
        octets = ulaw_encode(samples)
        self._samples = samples
        self.loop = len(octets), octets * (FRAME // len(octets) + 2)  # a frame may begin anywhere in it

    def start(self, remote):
        self.remote = remote
        if self.running:
            return
        self.running = True
        _running.append(self)
        _exchange.add(self)

    def first_sender(self, seconds=10):
        """Where the first packet comes from, before the start."""
        wait_for("a packet comes", lambda: select.select([self.socket], [], [], 0.1)[0], seconds)
        return self.socket.recvfrom(2048)[1]

    def header(self, payload_type=0, marker=False):
        return struct.pack("!BBHII", 0x80, payload_type | (0x80 if marker else 0), self.seq & 0xffff, self.timestamp & 0xffffffff, self.ssrc)

    def digit(self, event, packets=5, payload_type=101):
        """Queues one RFC 4733 digit: `packets` updates and three ends."""
        for i in range(packets + 3):
            duration = 160 * min(i + 1, packets)
            self.extra.append((payload_type, i == 0, bytes([event, (0x80 if i >= packets else 0) | 10])
                               + duration.to_bytes(2, "big")))

    def _send(self, at):
        if self.extra:
            payload_type, first, body = self.extra.pop(0)
            if first:
                self.event_timestamp = self.timestamp
            held, self.timestamp = self.timestamp, self.event_timestamp
            packet = self.header(payload_type, first) + body
            self.timestamp = held
        else:
            size, octets = self.loop
            packet = self.header(marker=at == 0) + octets[at % size:at % size + FRAME]
        if self.remote:
            self.socket.sendto(packet, self.remote)
        self.seq += 1
        self.timestamp += FRAME

    def tick(self):
        """Sends what is due. Thread: of the exchange."""
        with contextlib.suppress(OSError):
            self._send(self.at)
        self.at += FRAME

    def receive(self):
        """Takes all that has come. Thread: of the exchange."""
        offset = time.monotonic() - time.time()
        with contextlib.suppress(OSError):
            while True:
                data, control, _, _ = self.socket.recvmsg(2048, 64)
                if len(data) < 12:
                    continue
                stamps = [struct.unpack("qq", value[:16]) for level, kind, value in control
                          if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS]
                seconds, nanoseconds = stamps[0] if stamps else (time.time(), 0)
                flags, kind, sequence = struct.unpack_from("!BBH", data)
                self.packets.append((seconds + nanoseconds / 1e9 + offset, sequence, bool(kind & 0x80), kind & 0x7f,
                                     data[12 + 4 * (flags & 15):]))

    def heard(self, seconds=None):
        """What arrived (the last `seconds` of it), in order of arrival, as samples."""
        count = len(self.packets) if seconds is None else int(seconds * 50)
        sound = [p[4] for p in self.packets[-2 * count:] if p[3] == 0]  # digits may be between
        return ulaw_decode(b"".join(sound[-count:] if count else []))

    def tone(self, hz, seconds=0.4):
        """Amplitude of a sine in what it heard last."""
        return tone_heard(self.heard(seconds), hz)

    def stop(self):
        if self in _running:
            _running.remove(self)
        self.running = False
        if self.socket.fileno() >= 0:
            _exchange.remove(self)
        self.socket.close()


class Message:
    """A received SIP message, taken apart as far as a test needs."""

    def __init__(self, data):
        head, _, self.body = data.decode(errors="replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.start, self.fields = lines[0], []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields.append((name.strip(), value.strip()))
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0
        self.method = "" if self.status else self.start.split()[0]

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def get(self, name, default=""):
        return (self.all(name) or [default])[0]

    def transaction(self):
        """What it has in common with its repetitions, and a response with its request."""
        branch = re.search(r"branch=([^;,\s]*)", self.get("Via"))
        return branch and branch.group(1), self.get("Call-ID"), self.get("CSeq")

    def answered(self):
        """What an ACK has in common with the final response that it is for."""
        number, _, method = self.get("CSeq").partition(" ")
        return self.get("Call-ID"), number, method in ("ACK", "INVITE"), self.get("To")

    def contact_uri(self):
        return re.search(r"<([^>]+)>", self.get("Contact")).group(1)

    def rtp(self):
        host = re.search(r"^c=IN IP4 (\S+)", self.body, re.M).group(1)
        return host, int(re.search(r"^m=audio (\d+)", self.body, re.M).group(1))


class Phone:
    """A SIP phone written out by hand: knows nothing of the server's stack, can misbehave on demand."""

    def __init__(self, hearth, name="phone", transport="udp", samples=None, context=None, connection=None,
                 port=0):
        """`context` of ssl for transport tls to hearth.tls_port; `connection` when it was called; `port` of its own (udp)."""
        self.name, self.transport, self.hearth = name, transport, hearth
        if connection:
            self.socket = connection
        elif transport == "tls":
            self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", hearth.tls_port), 10 * PATIENCE),
                                              server_hostname="127.0.0.1")
        elif transport == "udp":
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", port))
            self.socket.connect(("127.0.0.1", hearth.sip_port))
        else:
            self.socket = socket.create_connection(("127.0.0.1", hearth.sip_port), 10 * PATIENCE)
        self.port = self.socket.getsockname()[1]
        self.buffer = b""
        self.queue = []
        self.answers, self.acks = {}, {}  # what we answered to requests, and to final responses
        self.repeats = 0  # messages that came again
        self.rtp = Rtp(samples)
        self.call_id = f"{os.urandom(6).hex()}@test"
        self.tag = os.urandom(4).hex()
        self.cseq, self.to, self.target, self.invite_branch = 0, None, None, None
        self.response = None
        self.contact_user, self.contact_params = name, ""  # of what it says of itself
        self.contact_scheme = "sip"
        _running.append(self)

    def send(self, text):
        if isinstance(text, str):
            message = Message(text.encode())
            if message.status:
                self.answers[message.transaction()] = text
            elif message.method == "ACK":
                self.acks[message.answered()] = text
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def is_repeated(self, message):
        """Whether it came before: a server repeats itself when we are slow. It gets the same answer, and no test sees it."""
        if message.status:
            again = self.acks.get(message.answered()) if message.status >= 200 else None
        else:
            is_new = message.transaction() not in self.answers
            again = self.answers.setdefault(message.transaction(), "")
            if is_new:
                return False
        if again:
            self.socket.sendall(again.encode())
        self.repeats += again is not None
        return again is not None

    def receive(self, seconds=5.0):
        """The next message, or None."""
        until = time.monotonic() + seconds
        while True:
            message = self._receive(until)
            if message is None or not self.is_repeated(message):
                return message

    def _receive(self, until):
        while True:
            message = self._cut()
            if message:
                return message
            left = until - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except (socket.timeout, ConnectionRefusedError):
                return None
            if not data:
                return None
            if self.transport == "udp":
                return Message(data)
            self.buffer += data

    def _cut(self):
        self.buffer = self.buffer.lstrip(b"\r\n")  # answers to keep-alives (RFC 5626 3.5.1)
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if self.transport == "udp" or not found:
            return None
        size = int(re.search(rb"content-length:\s*(\d+)", head, re.I).group(1))
        if len(rest) < size:
            return None
        message, self.buffer = head + found + rest[:size], rest[size:]
        return Message(message)

    def own_contact(self):
        transport = f";transport={self.transport}" if self.contact_scheme == "sip" else ""
        return f"<{self.contact_scheme}:{self.contact_user}@127.0.0.1:{self.port}{transport}>{self.contact_params}"

    def request(self, method, uri, headers="", body="", content_type="application/sdp", to=None, cseq=None, branch=None,
                max_forwards=70):
        """The text of a request of this phone's one dialog."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        branch = branch or "z9hG4bK" + os.urandom(6).hex()
        if method == "INVITE":
            self.invite_branch = branch
        kind = f"Content-Type: {content_type}\r\n" if body else ""
        return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.transport.upper()} 127.0.0.1:{self.port};rport;branch={branch}\r\n"
                f"Max-Forwards: {max_forwards}\r\nFrom: <sip:{self.name}@127.0.0.1>;tag={self.tag}\r\nTo: {to or self.to or f'<{uri}>'}\r\n"
                f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
                f"Contact: {self.own_contact()}\r\n{headers}{kind}"
                f"Content-Length: {len(body)}\r\n\r\n{body}")

    def sdp(self, direction="sendrecv", formats="0 101", address="127.0.0.1", version=1):
        return (f"v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
                f"m=audio {self.rtp.port} RTP/AVP {formats}\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
                f"a=ptime:20\r\na={direction}\r\n")

    def final(self, seconds=8.0, cseq=None):
        """The next final response; other messages are kept in .queue."""
        until = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < until:
            message = self.receive(max(0.01, until - time.monotonic()))
            if message is None:
                break
            if message.status >= 200 and (cseq is None or message.get("CSeq").split()[0] == str(cseq)):
                return message
            self.queue.append(message)
        raise AssertionError(f"{self.name}: no final response")

    def ack(self, response):
        self.to = response.get("To")
        if response.status < 300:
            self.target = response.contact_uri()
            self.send(self.request("ACK", self.target, cseq=response.get("CSeq").split()[0]))
        else:
            uri = re.search(r"<([^>]+)>", self.to).group(1)
            self.send(self.request("ACK", self.uri or uri, cseq=response.get("CSeq").split()[0], branch=self.invite_branch))

    def invite(self, user, headers="", body=None, uri=None):
        """Calls user@server; ACKs what comes back; starts the media of a 200. Returns the final response."""
        self.uri = uri or f"sip:{user}@{self.hearth.host}"
        self.send(self.request("INVITE", self.uri, headers, self.sdp() if body is None else body))
        response = self.final()
        self.ack(response)
        self.response = response
        if response.status == 200 and body is None:
            self.rtp.start(response.rtp())
        return response

    def bye(self):
        self.send(self.request("BYE", self.target))
        return self.final(cseq=self.cseq)

    def answer(self, request, status=200, reason="OK", headers="", body="", contact=None):
        """Answers a request of the server's."""
        fields = "".join(f"{name}: {value}\r\n" for name, value in request.fields if name.lower() in ("via", "from", "call-id", "cseq"))
        to = request.get("To")
        to += "" if ";tag=" in to else f";tag={self.tag}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.send(f"SIP/2.0 {status} {reason}\r\n{fields}To: {to}\r\n{headers}"
                  f"Contact: {contact or self.own_contact()}\r\n{kind}"
                  f"Content-Length: {len(body)}\r\n\r\n{body}")

    def wait_request(self, method, seconds=8.0):
        for message in self.queue:
            if message.method == method:
                self.queue.remove(message)
                return message
        until = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < until:
            message = self.receive(max(0.01, until - time.monotonic()))
            if message is None:
                break
            if message.method == method:
                return message
            self.queue.append(message)
        raise AssertionError(f"{self.name}: no {method} came")

    def takes_its_leave(self):
        """Answers what has come."""
        with contextlib.suppress(OSError, ssl.SSLError):
            while message := self.receive(0.001):
                if message.method not in ("", "ACK"):
                    self.answer(message)

    def stop(self):
        if self in _running:
            _running.remove(self)
        self.rtp.stop()
        self.socket.close()


def sipp(hearth, scenario, *arguments, calls=1, seconds=30, transport="u1"):
    """Runs a scenario of tests/flow/sipp against the server; asserts that every call went as written."""
    seconds = int(seconds * PATIENCE)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sipp-"))
    command = ["sipp", hearth.host, "-sf", str(ROOT / "tests/flow/sipp" / scenario), "-m", str(calls), "-i", "127.0.0.1",
               "-p", str(free_port()), "-t", transport, "-nostdin", "-timeout", f"{seconds}s", "-timeout_error",
               "-trace_err", "-error_file", str(directory / "errors"), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds + 20)
    errors = (directory / "errors").read_text(errors="replace") if (directory / "errors").exists() else ""
    shutil.rmtree(directory, ignore_errors=True)
    assert done.returncode == 0, f"sipp {scenario}: status {done.returncode}: {errors[:1500] or done.stdout[-1500:]}"
