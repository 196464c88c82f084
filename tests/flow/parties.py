"""A phone that answers by itself, in a thread: what the conference tests talk to.

It writes its SIP out by hand (lib.Phone) and knows nothing of the server's stack. Every message is kept in
order in .seen as ("<" came or ">" sent, Message).
"""
import contextlib
import os
import re
import threading
import time

import lib


ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, REFER, NOTIFY, MESSAGE, INFO, OPTIONS\r\n"


class Party(lib.Phone):
    """Answers INVITE (180, 200), re-INVITE (200 with the same description, version + 1), UPDATE, BYE, REFER, NOTIFY and
    whatever else with 200. `manner`: answer, ring, busy; early: a reliable 180 with its description, and silent until it
    picks up."""

    def __init__(self, hearth, name, hz=440, manner="answer", **kinds):
        super().__init__(hearth, name, samples=lib.tone(hz, 1), **kinds)
        self.hz, self.manner = hz, manner
        self.uri_of_mine = f"sip:{name}@127.0.0.1:{self.port}"
        self.seen, self.finals, self.version = [], [], 1
        self.dialog = None   # (call-id, Hearth's tag, our tag) of the call
        self.contact = None  # Hearth's last Contact
        self.remote_to = self.remote_from = None
        self.is_caller, self.ended, self.invites = False, False, 0
        self.refuses_refer, self.refuses_replaces, self.knows, self.moved = False, 0, [hearth], None
        self.only_says = 0  # to a REFER: how it went, without having gone
        self.stays = False  # after a REFER: it has said that it would go
        self.sends_on_to = ()  # URIs: whoever calls it is told to call these (302)
        self.auto = threading.Thread(target=self._loop, daemon=True)
        self.alive = True
        self.auto.start()

    def send(self, text):
        self.seen.append((">", lib.Message(text.encode() if isinstance(text, str) else text)))
        super().send(text)

    def takes_its_leave(self):
        """By itself."""

    def _loop(self):
        while self.alive:
            try:
                message = self.receive(0.2)
            except OSError:
                return
            if message:
                self.seen.append(("<", message))
                with contextlib.suppress(OSError):
                    self.handle(message)

    def handle(self, message):
        if message.status:
            if message.get("Contact"):
                self.contact = message.get("Contact")
            if message.status >= 200:
                self.finals.append(message)
        elif message.method == "INVITE":
            self.on_invite(message)
        elif message.method == "BYE":
            self.answer(message)
            self.ended = True
        elif message.method == "CANCEL":
            self.answer(message)
            self.answer(self.invite_message, 487, "Request Terminated")
            self.ended = True
        elif message.method == "REFER":
            self.on_refer(message)
        elif message.method == "UPDATE" and message.body:
            self.answer(message, body=self.description(message))
        elif message.method == "PRACK":
            self.answer(message)
            self.agreed = message.rtp()
        elif message.method != "ACK":
            self.answer(message)

    def on_invite(self, message):
        self.invites += 1
        self.contact = message.get("Contact")
        self.invite_message = message
        is_first = ";tag=" not in message.get("To")
        if is_first and self.refuses_replaces and message.get("Replaces"):
            self.answer(message, self.refuses_replaces, "No")
            return
        if is_first and self.manner == "early":
            self.call_id, self.remote_from = message.get("Call-ID"), message.get("From")
            self.answer(message, 180, "Ringing", headers="Require: 100rel\r\nRSeq: 1\r\n", body=self.sdp())
            return
        if is_first and self.sends_on_to:
            self.answer(message, 302, "Moved Temporarily", contact=", ".join(f"<{uri}>" for uri in self.sends_on_to))
            return
        if is_first and self.manner == "busy":
            self.answer(message, 486, "Busy Here")
            return
        if is_first:
            self.dialog = (message.get("Call-ID"), tag_of(message.get("From")), self.tag)
            self.remote_from = message.get("From")
            self.call_id = message.get("Call-ID")
            self.answer(message, 180, "Ringing")
            if self.manner == "ring":
                return
        self.answer(message, 200, "OK", ALLOW, self.description(message))

    def description(self, message):
        """Ours, to that of the other side: on hold when it asks for that."""
        is_on_hold = "a=inactive" in message.body
        text = self.sdp("inactive" if is_on_hold else "sendrecv", version=self.version)
        self.version += 1
        if message.body and not is_on_hold:
            self.rtp.start(message.rtp())
        return text

    def pick_up(self):
        """Of the manner `early`: all has been agreed already."""
        self.rtp.start(self.agreed)
        self.answer(self.invite_message, 200, "OK")

    def on_refer(self, message):
        """Goes where it is told (in a call of its own), and tells how it went; or refuses."""
        if self.refuses_refer:
            self.answer(message, 603, "Decline")
            return
        self.answer(message, 202, "Accepted")
        if self.stays:
            return
        threading.Thread(target=self.go, args=(message,), daemon=True).start()

    def go(self, message):
        self.notify("SIP/2.0 100 Trying", "active;expires=60")
        if self.only_says:
            self.notify(f"SIP/2.0 {self.only_says} Done", "terminated;reason=noresource")
            return
        uri = re.search(r"<?(sip:[^>?]+)", message.get("Refer-To")).group(1)
        hearth = next(h for h in self.knows if uri.split(";")[0].endswith("@" + h.host))
        self.moved = Party(hearth, self.name, self.hz)
        answer = self.moved.call(uri, f"Referred-By: {message.get('Referred-By')}\r\n")
        self.notify(f"SIP/2.0 {answer.status} Done", "terminated;reason=noresource")

    def notify(self, body, state):
        if not self.is_caller:
            self.to = self.remote_from
            self.cseq = max(self.cseq, 500)
        target = re.search(r"<([^>]+)>", self.contact).group(1)
        self.send(self.request("NOTIFY", target, f"Event: refer\r\nSubscription-State: {state}\r\n", body + "\r\n",
                               "message/sipfrag;version=2.0"))

    def call(self, uri, headers="", body=None):
        """Calls; returns the final response, ACKed."""
        self.uri, self.is_caller = uri, True
        self.finals.clear()
        self.send(self.request("INVITE", uri, headers, self.sdp() if body is None else body))
        response = lib.wait_for(f"{self.name}: an answer", lambda: next(
            (m for m in self.finals if m.get("CSeq").endswith("INVITE")), None), 10)
        self.ack(response)
        if response.status == 200:
            self.dialog = (self.call_id, tag_of(response.get("To")), self.tag)
            if response.body and body is None:
                self.rtp.start(response.rtp())
        return response

    def ask(self, method, uri, headers="", body="", content_type="application/sdp", seconds=8):
        """A request in or out of the dialog; its final response."""
        self.finals.clear()
        self.send(self.request(method, uri, headers, body, content_type))
        return lib.wait_for(f"{self.name}: answer to {method}", lambda: next(
            (m for m in self.finals if m.get("CSeq").endswith(method)), None), seconds)

    def hang_up(self):
        if self.is_caller:
            self.send(self.request("BYE", self.target))
            return
        self.to = self.remote_from
        mine = self.request("BYE", re.search(r"<([^>]+)>", self.contact).group(1), cseq=9000)
        self.send(mine)

    def requests(self, method):
        return [m for way, m in list(self.seen) if way == "<" and m.method == method]

    def ladder(self, *left_out):
        """Every message in order, "<INVITE", ">200" ..., without 100 and what is left out."""
        rungs = [way + (m.method or str(m.status)) for way, m in list(self.seen)]
        return [rung for rung in rungs if rung[1:] != "100" and rung[1:] not in left_out]

    def message(self, rung):
        """The first of them, once it is there."""
        return lib.wait_for(f"{self.name} {rung}", lambda: next(
            (m for way, m in list(self.seen) if way + (m.method or str(m.status)) == rung), None))

    def naming(self):
        """The value of a Join or Replaces that names this phone's dialog, as Hearth sees it."""
        call_id, theirs, ours = self.dialog
        return f"{call_id};to-tag={theirs};from-tag={ours}"

    def knows_focus(self):
        return self.contact is not None and re.search(r">\s*;.*\bisfocus\b", self.contact) is not None

    def hears(self, other, seconds=1.0):
        return lib.tone_heard(self.rtp.heard(seconds), other.hz) > 1500

    def stop(self):
        self.alive = False
        self.auto.join(1)
        super().stop()


def longest_gap(phone, since):
    """Seconds between RTP packets that came after `since`, the longest."""
    times = [p[0] for p in list(phone.rtp.packets) if p[0] >= since]
    return max((b - a for a, b in zip(times, times[1:])), default=99.0)


def witness(hearth):
    """A phone in a room of its own, to which nothing happens: what it does not hear in time is the machine's doing."""
    phone = lib.Phone(hearth, "witness")
    assert phone.invite("aside").status == 200
    return phone


def no_gap(aside, since, *parties):
    """They heard sound all the time, but for what the witness missed as well."""
    missed = longest_gap(aside, since)
    for party in parties:
        gap = longest_gap(party, since)
        assert gap < 0.2 + missed, f"{party.name} heard nothing for {gap:.3f} s, the witness for {missed:.3f} s"


def tag_of(value):
    return re.search(r";tag=([^;>\s]+)", value).group(1)


def all_hear_each_other(parties, seconds=20):
    lib.wait_for("everybody hears everybody else", lambda: all(
        one.hears(other) for one in parties for other in parties if one is not other), seconds, 0.2)
    lib.wait_for("nobody hears itself", lambda: all(
        one.rtp.tone(one.hz) < 200 for one in parties), seconds, 0.2)


def register(hearth, phone):
    """At the server, as the user of its name (sip.registrar = open); the phone is as new afterwards."""
    phone.to = f"<sip:{phone.name}@{hearth.host}>"
    assert phone.ask("REGISTER", f"sip:{hearth.host}", "Expires: 600\r\n").status == 200
    phone.to, phone.call_id, phone.tag = None, f"{token()}@test", token()
    phone.seen.clear()


def steps(party):
    """Statuses that NOTIFYs brought to this party."""
    return [m.body.split(" ")[1] for m in party.requests("NOTIFY") if "sipfrag" in m.get("Content-Type")]


def quiet_end(hearth, *parties):
    """Everybody hangs up; then nothing is left of calls, rooms, legs."""
    for party in parties:
        if not party.ended:
            party.hang_up()
    lib.wait_for("no room is left", lambda: not hearth.api("GET", "/api/v1/rooms").json["rooms"], 10)
    lib.wait_for("no call is left", lambda: not hearth.api("GET", "/api/v1/calls").json["calls"], 10)
    lib.wait_for("no leg is left", lambda: hearth.metric("hearth_mixer_legs") == 0, 10)
    hearth.stop()
    for party in parties:
        party.stop()  # or it goes on talking, and takes time from the next one's phones


def now():
    return time.monotonic()


def token():
    return os.urandom(4).hex()
