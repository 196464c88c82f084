"""RFC 3263 against a real name server: NAPTR, SRV and addresses, and the next place when one fails."""
import socket
import struct
import threading

import lib

A, NS, AAAA, SRV, NAPTR = 1, 2, 28, 33, 35


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.strip(".").split(".") if label) + b"\0"


def text(value):
    return bytes([len(value)]) + value.encode()


class NameServer:
    """Answers from .zone: {(name, type): [record, ...]}; counts what it was asked."""

    def __init__(self):
        self.zone, self.asked, self.is_open = {}, [], True
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        lib._running.append(self)

    def a(self, host, address):
        self.zone.setdefault((host, A), []).append(socket.inet_aton(address))

    def srv(self, host, priority, weight, port, target):
        self.zone.setdefault((host, SRV), []).append(struct.pack("!HHH", priority, weight, port) + name(target))

    def naptr(self, host, order, service, replacement):
        self.zone.setdefault((host, NAPTR), []).append(
            struct.pack("!HH", order, 10) + text("s") + text(service) + text("") + name(replacement))

    def _serve(self):
        while self.is_open:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
                at += 1 + query[at]
            kind = struct.unpack("!H", query[at + 1:at + 3])[0]
            host = ".".join(labels)
            self.asked.append((host, kind))
            records = self.zone.get((host, kind), [])
            known = any(zone_host == host for zone_host, _ in self.zone)
            answer = query[:2] + struct.pack("!HHHHH", 0x8180 | (0 if known else 3), 1, len(records), 0, 0) + query[12:at + 5]
            for record in records:
                answer += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(record)) + record
            self.socket.sendto(answer, peer)

    def stop(self):
        self.is_open = False
        self.socket.close()


def called(hearth, uri, door, seconds=10):
    """Calls `uri`, and returns the phone that took the connection at `door`, with its INVITE."""
    made = hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": uri})
    assert made.status in (201, 202), made.text
    door.settimeout(seconds * lib.PATIENCE)
    phone = lib.Phone(hearth, "bob", "tcp", connection=door.accept()[0])
    return phone, phone.wait_request("INVITE")


def hang_up(hearth, phone, invite):
    phone.answer(invite, body=phone.sdp())
    phone.wait_request("ACK")
    one = lib.wait_for("connected", lambda: hearth.connected("room1"))[0]
    hearth.api("DELETE", f"/api/v1/rooms/room1/participants/{one['id']}")
    phone.answer(phone.wait_request("BYE"))
    lib.wait_for("gone", lambda: not hearth.participants("room1"))


@lib.case
def naptr_srv_and_the_next_place():
    dns = NameServer()
    hearth = lib.Hearth(sip__dns_servers=f"127.0.0.1:{dns.port}")
    hearth.api("POST", "/api/v1/rooms", {"id": "room1"})
    with socket.create_server(("127.0.0.1", 0)) as door:
        port, closed = door.getsockname()[1], lib.free_port()
        dns.naptr("office.test", 10, "SIP+D2T", "_sip._tcp.office.test")
        dns.naptr("office.test", 20, "SIP+D2U", "_sip._udp.office.test")
        dns.srv("_sip._tcp.office.test", 1, 0, closed, "one.office.test")
        dns.srv("_sip._tcp.office.test", 2, 0, port, "two.office.test")
        dns.srv("_sip._udp.office.test", 1, 0, closed, "one.office.test")
        dns.a("one.office.test", "127.0.0.1")
        dns.a("two.office.test", "127.0.0.1")
        phone, invite = called(hearth, "sip:bob@office.test", door)
        assert invite.start == "INVITE sip:bob@office.test SIP/2.0", invite.start
        assert invite.get("Via").startswith("SIP/2.0/TCP "), invite.get("Via")
        assert ("office.test", NAPTR) in dns.asked and ("_sip._tcp.office.test", SRV) in dns.asked, dns.asked
        failures = hearth.metric("hearth_sip_transport_failures_total")
        assert failures >= 1, failures
        hang_up(hearth, phone, invite)

        # The place that refused is remembered: the next call does not go there first.
        before = len(dns.asked)
        hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": "sip:bob@office.test"})
        phone.to = None
        invite = phone.wait_request("INVITE")  # on the connection that is there
        assert hearth.metric("hearth_sip_transport_failures_total") == failures
        assert len(dns.asked) == before, dns.asked[before:]  # within the TTL nothing is asked again
        hang_up(hearth, phone, invite)


@lib.case
def a_503_goes_to_the_next_place():
    dns = NameServer()
    hearth = lib.Hearth(sip__dns_servers=f"127.0.0.1:{dns.port}")
    hearth.api("POST", "/api/v1/rooms", {"id": "room1"})
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        dns.srv("_sip._tcp.busy.test", 1, 0, first.getsockname()[1], "here.busy.test")
        dns.srv("_sip._tcp.busy.test", 2, 0, second.getsockname()[1], "here.busy.test")
        dns.a("here.busy.test", "127.0.0.1")
        full, invite = called(hearth, "sip:bob@busy.test", first)
        full.answer(invite, 503, "Service Unavailable")
        assert full.wait_request("ACK")
        second.settimeout(10 * lib.PATIENCE)
        phone = lib.Phone(hearth, "bob", "tcp", connection=second.accept()[0])
        hang_up(hearth, phone, phone.wait_request("INVITE"))


@lib.case
def addresses_only_and_no_such_name():
    dns = NameServer()
    hearth = lib.Hearth(sip__dns_servers=f"127.0.0.1:{dns.port}")
    hearth.api("POST", "/api/v1/rooms", {"id": "room1"})
    with socket.create_server(("127.0.0.1", 0)) as door:
        dns.a("plain.test", "127.0.0.1")
        phone, invite = called(hearth, f"sip:bob@plain.test:{door.getsockname()[1]};transport=tcp", door)
        assert {kind for _, kind in dns.asked} <= {A, AAAA}, dns.asked  # a port: no SRV (RFC 3263 4.2)
        hang_up(hearth, phone, invite)
    events = lib.Events(hearth)
    hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": "sip:bob@nowhere.test"})
    events.wait("participant.left")
    assert ("nowhere.test", NAPTR) in dns.asked and ("_sip._udp.nowhere.test", SRV) in dns.asked


lib.main()
