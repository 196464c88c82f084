"""Many phones in one thread, each of which goes where REFER sends it: what the test of big moves talks to.

SIP over UDP and PCMU, both written out by hand. Like a phone with two lines, a member plays and speaks on the call
that was answered last, and keeps the older one until the server hangs it up.
"""
import os
import re
import select
import socket
import threading
import time

import lib

SILENCE = b"\xff" * 160
LOUD = 500  # of a sample: there is sound in the packet


class Call:
    def __init__(self, member, uri, referred_by=None, referrer=None):
        self.member, self.uri, self.referrer = member, uri, referrer
        self.call_id, self.tag, self.cseq = f"{os.urandom(8).hex()}@crowd", os.urandom(4).hex(), 0
        self.state, self.status = "calling", 0
        self.to, self.target = f"<{uri}>", uri
        self.rtp = member.crowd.socket(self)
        self.remote_rtp = None
        self.sequence, self.timestamp, self.ssrc = 1, 0, os.urandom(4)
        by = f"Referred-By: {referred_by}\r\n" if referred_by else ""
        self.branch = self.request("INVITE", by, self.sdp())

    def sdp(self):
        host, port = self.rtp.getsockname()
        return (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
                "a=ptime:20\r\n")

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
        header = b"\x80\x00" + self.sequence.to_bytes(2, "big") + self.timestamp.to_bytes(4, "big") + self.ssrc
        self.rtp.sendto(header + octets, self.remote_rtp)

    def over(self):
        self.state = "over"
        self.member.crowd.close(self.rtp)


class Member:
    def __init__(self, crowd, name, hz=None):
        self.crowd, self.name, self.hz = crowd, name, hz
        self.sip = crowd.socket(self)
        self.sound = [SILENCE]
        if hz:
            samples = lib.ulaw_encode(lib.tone(hz, 1))
            self.sound = [samples[i:i + 160] for i in range(0, len(samples), 160)]
        self.call, self.calls, self.answers = None, [], {}
        self.loud = []   # when a packet with sound came, on the call that it listens to
        self.at = 0

    def dial(self, uri):
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

    def member(self, name, hz=None):
        with self.lock:
            self.members.append(Member(self, name, hz))
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
            elif owner.member.call is owner and abs(lib.ulaw_decode(data[12 + 4 * (data[0] & 15):])).max() > LOUD:
                owner.member.loud.append(time.monotonic())

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
