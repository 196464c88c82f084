"""Many phones in one thread, each of which goes where REFER sends it: what the tests of big conferences talk to.

SIP over UDP and RTP (PCMU, PCMA, G.722), both written out by hand. Like a phone with two lines, a member plays and
speaks on the call that was answered last, and keeps the older one until the server hangs it up.
"""
import ctypes
import os
import re
import select
import socket
import threading
import time

import numpy

import lib

LOUD = 500  # of a sample: there is sound in the packet
FRAME = 160  # octets of 20 ms, in each of the codecs
DIGIT_PACKETS, PAUSE_PACKETS = 5, 4


# Codecs: 8 kHz in, octets out, and back ------------------------------------------------------------------

def _alaw_table():
    codes = numpy.arange(256) ^ 0x55
    step, low = (codes >> 4) & 7, (codes & 15) << 4
    magnitude = numpy.where(step == 0, low + 8, (low + 0x108) << numpy.maximum(step - 1, 0))
    return numpy.where(codes & 0x80, magnitude, -magnitude).astype(numpy.int16)


_ALAW = _alaw_table()
_ALAW_CODES = numpy.argsort(_ALAW, kind="stable").astype(numpy.uint8)
_ALAW_LEVELS = _ALAW[_ALAW_CODES].astype(numpy.int32)


def alaw_encode(samples):
    at = numpy.clip(numpy.searchsorted(_ALAW_LEVELS, numpy.asarray(samples, dtype=numpy.int32)), 0, 255)
    return _ALAW_CODES[at].tobytes()


def alaw_decode(octets):
    return _ALAW[numpy.frombuffer(bytes(octets), dtype=numpy.uint8)]


def _spandsp():
    library = ctypes.CDLL("libspandsp.so.2")
    for name in ("g722_encode", "g722_decode"):
        getattr(library, name + "_init").restype = ctypes.c_void_p
        getattr(library, name + "_init").argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    return library


def g722_encode(samples):
    """64 kbit/s. Samples are doubled by lines between them, which is all that a tone or a voice at 8 kHz needs."""
    library = _spandsp()
    count = len(samples)
    wide = numpy.interp(numpy.arange(2 * count) / 2, numpy.arange(count), samples).astype(numpy.int16)
    octets = ctypes.create_string_buffer(count)
    library.g722_encode(library.g722_encode_init(None, 64000, 0), octets, wide.ctypes.data, 2 * count)
    return octets.raw


def g722_decode(octets):
    """As from the beginning of a stream: it needs a few samples to find its feet."""
    library = _spandsp()
    wide = numpy.zeros(2 * len(octets), numpy.int16)
    library.g722_decode(library.g722_decode_init(None, 64000, 0), wide.ctypes.data, bytes(octets), len(octets))
    return ((wide[0::2].astype(int) + wide[1::2]) // 2).astype(numpy.int16)


CODECS = {"PCMU": (0, lib.ulaw_encode, lib.ulaw_decode), "PCMA": (8, alaw_encode, alaw_decode), "G722": (9, g722_encode, g722_decode)}


# Phones --------------------------------------------------------------------------------------------------

class Call:
    def __init__(self, member, uri, referred_by=None, referrer=None):
        self.member, self.uri, self.referrer = member, uri, referrer
        self.call_id, self.tag, self.cseq = f"{os.urandom(8).hex()}@crowd", os.urandom(4).hex(), 0
        self.state, self.status = "calling", 0
        self.to, self.target = f"<{uri}>", uri
        self.rtp = member.crowd.socket(self)
        self.remote_rtp = None
        self.sequence, self.timestamp, self.ssrc = 1, 0, os.urandom(4)
        self.events = []     # of digits: (octets, begins), each in place of a packet of sound
        self.event_timestamp = 0
        self.payloads = []   # of sound, in the order in which they came
        by = f"Referred-By: {referred_by}\r\n" if referred_by else ""
        self.branch = self.request("INVITE", by, self.sdp())

    def sdp(self):
        host, port = self.rtp.getsockname()
        return (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
                f"m=audio {port} RTP/AVP {self.member.payload_type} 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n")

    def request(self, method, headers="", body="", content_type="application/sdp", branch=None, cseq=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        branch = branch or "z9hG4bK" + os.urandom(6).hex()
        host, port = self.member.sip.getsockname()
        kind = f"Content-Type: {content_type}\r\n" if body else ""
        self.member.send(f"{method} {self.target} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch={branch}\r\n"
                         f"Max-Forwards: 70\r\nFrom: <sip:{self.member.name}@{host}>;tag={self.tag}\r\nTo: {self.to}\r\n"
                         f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
                         f"Contact: <sip:{self.member.name}@{host}:{port}>\r\n{headers}{kind}"
                         f"Content-Length: {len(body)}\r\n\r\n{body}", self.target)
        return branch

    def on_response(self, message):
        number, method = message.get("CSeq").split()
        if method != "INVITE" or message.status < 200:
            return
        self.to = message.get("To")
        if message.status >= 300:
            self.request("ACK", branch=self.branch, cseq=number)
            if self.state == "calling":
                self.status = message.status
                self.over()
                self.tell()
            return
        self.target = message.contact_uri()
        self.request("ACK", cseq=number)
        if self.state == "calling":
            self.state, self.status = "up", message.status
            self.remote_rtp = message.rtp()
            self.member.call = self
            self.tell()

    def tell(self):
        """To whoever sent it here: how it went."""
        if self.referrer and self.referrer.state == "up":
            self.referrer.notify(f"SIP/2.0 {self.status} Done", "terminated;reason=noresource")

    def notify(self, line, state):
        self.request("NOTIFY", f"Event: refer\r\nSubscription-State: {state}\r\n", line + "\r\n",
                     "message/sipfrag;version=2.0")

    def send_sound(self, octets):
        self.sequence, self.timestamp = self.sequence + 1 & 0xffff, self.timestamp + 160 & 0xffffffff
        payload_type, timestamp = self.member.payload_type, self.timestamp
        if self.events:
            octets, begins = self.events.pop(0)
            if octets is None:
                return  # a pause between two keys
            if begins:
                self.event_timestamp = self.timestamp
            payload_type, timestamp = 101 | (0x80 if begins else 0), self.event_timestamp
        header = b"\x80" + bytes([payload_type]) + self.sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big") + self.ssrc
        self.rtp.sendto(header + octets, self.remote_rtp)

    def press(self, digits):
        """RFC 4733, as many packets a digit as its 100 ms have, and three that end it."""
        for digit in digits:
            event = lib.EVENTS[digit]
            for i in range(DIGIT_PACKETS + 3):
                is_end = i >= DIGIT_PACKETS
                duration = 160 * min(i + 1, DIGIT_PACKETS)
                self.events.append((bytes([event, 0x8a if is_end else 0x0a]) + duration.to_bytes(2, "big"), i == 0))
            self.events += [(None, False)] * PAUSE_PACKETS

    def on_sound(self, packet):
        if packet[1] & 0x7f != self.member.payload_type:
            return
        octets = packet[12 + 4 * (packet[0] & 15):]
        self.payloads.append(octets)
        if self.member.call is self and self.member.payload_type == 0 and abs(lib.ulaw_decode(octets)).max() > LOUD:
            self.member.loud.append(time.monotonic())

    def heard(self, seconds=None):
        """What came (the last `seconds` of it), as samples."""
        payloads = list(self.payloads) if seconds is None else self.payloads[-int(50 * seconds):]
        return self.member.decode(b"".join(payloads))

    def over(self):
        self.state = "over"
        self.member.crowd.close(self.rtp)


class Member:
    def __init__(self, crowd, name, hz=None, codec="PCMU"):
        self.crowd, self.name, self.hz = crowd, name, hz
        self.sip = crowd.socket(self)
        self.payload_type, encode, self.decode = CODECS[codec]
        octets = encode(lib.tone(hz, 1) if hz else numpy.zeros(FRAME, numpy.int16))
        self.sound = [octets[i:i + FRAME] for i in range(0, len(octets), FRAME)]
        self.call, self.calls, self.answers = None, [], {}
        self.loud = []   # when a packet with sound came, on the call that it listens to
        self.at = 0

    def dial(self, uri):
        with self.crowd.lock:
            self.calls.append(Call(self, uri))

    def send(self, text, uri):
        host, port = re.match(r"sip:(?:[^@]+@)?([^:;>]+):?(\d*)", uri).groups()
        self.sip.sendto(text.encode(), (host, int(port or 5060)))

    def reply(self, message, source, status, reason, body=""):
        fields = "".join(f"{name}: {value}\r\n" for name, value in message.fields
                         if name.lower() in ("via", "from", "to", "call-id", "cseq"))
        host, port = self.sip.getsockname()
        kind = "Content-Type: application/sdp\r\n" if body else ""
        text = (f"SIP/2.0 {status} {reason}\r\n{fields}Contact: <sip:{self.name}@{host}:{port}>\r\n{kind}"
                f"Content-Length: {len(body)}\r\n\r\n{body}")
        self.answers[message.get("Via")] = text
        self.sip.sendto(text.encode(), source)

    def on_datagram(self, data, source):
        message = lib.Message(data)
        call = next((c for c in self.calls if c.call_id == message.get("Call-ID")), None)
        if message.status:
            if call:
                call.on_response(message)
        elif message.get("Via") in self.answers:
            self.sip.sendto(self.answers[message.get("Via")].encode(), source)  # it came again
        elif message.method != "ACK":
            self.on_request(call, message, source)

    def on_request(self, call, message, source):
        if call is None or call.state == "over":
            self.reply(message, source, 481, "No Such Call")
        elif message.method == "BYE":
            self.reply(message, source, 200, "OK")
            call.over()
        elif message.method == "REFER":
            self.reply(message, source, 202, "Accepted")
            call.notify("SIP/2.0 100 Trying", "active;expires=60")
            uri = re.search(r"<([^>]+)>", message.get("Refer-To")).group(1)
            self.calls.append(Call(self, uri, message.get("Referred-By"), call))
        else:
            self.reply(message, source, 200, "OK", call.sdp() if message.method == "INVITE" else "")

    def up(self):
        return [call for call in list(self.calls) if call.state == "up"]

    def hang_up(self):
        for call in self.up():
            call.request("BYE")
            call.over()

    def longest_quiet(self, since, until):
        """Seconds without sound in what it heard, the longest stretch in between."""
        times = [since] + [t for t in list(self.loud) if since <= t <= until] + [until]
        return max(b - a for a, b in zip(times, times[1:]))


class Crowd:
    def __init__(self, address):
        self.address, self.members, self.owners = address, [], {}
        self.poll, self.alive = select.epoll(), True
        self.lock = threading.RLock()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.late = 0.0  # by how much the thread was behind its time, at most: what is measured cannot be finer

    def start(self):
        self.thread.start()

    def socket(self, owner):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((self.address, 0))
        made.setblocking(False)
        self.owners[made.fileno()] = (made, owner)
        self.poll.register(made.fileno(), select.EPOLLIN)
        return made

    def close(self, made):
        if made.fileno() in self.owners:
            self.poll.unregister(made.fileno())
            del self.owners[made.fileno()]
        made.close()

    def member(self, name, hz=None, codec="PCMU"):
        with self.lock:
            self.members.append(Member(self, name, hz, codec))
            return self.members[-1]

    def _tick(self):
        for member in self.members:
            member.at += 1
            if member.call and member.call.state == "up":
                member.call.send_sound(member.sound[member.at % len(member.sound)])

    def _read(self, number):
        made, owner = self.owners.get(number, (None, None))
        while made and number in self.owners:
            try:
                data, source = made.recvfrom(65536)
            except OSError:
                return
            if isinstance(owner, Member):
                owner.on_datagram(data, source)
            elif len(data) > 12:
                owner.on_sound(data)

    def _run(self):
        due = time.monotonic()
        while self.alive:
            ready = self.poll.poll(max(0, due - time.monotonic()))
            with self.lock:
                for number, _ in ready:
                    self._read(number)
                if time.monotonic() >= due:
                    self.late = max(self.late, time.monotonic() - due)
                    self._tick()
                    due += 0.02

    def stop(self):
        self.alive = False
        if self.thread.is_alive():
            self.thread.join(2)
        for made, _ in list(self.owners.values()):
            self.close(made)
