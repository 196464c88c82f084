"""IPv6: the messages of RFC 5118 on the wire, a call over it, and both families in one room."""
import re
import socket

import lib

ROWS = re.compile(r'^TORTURE\((\w+), "([\d.]+)", \w+, -?\d+, (\d+), "(.*)"\)', re.M)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False  # containers without IPv6 have no ::1 either; the parser's part is in unit_sip torture


def dual_stack():
    port = lib.free_port()
    hearth = lib.Hearth(sip__listen=f"udp:127.0.0.1:{port},tcp:127.0.0.1:{port},udp:[::1]:{port},tcp:[::1]:{port}")
    hearth.sip_port, hearth.host = port, f"127.0.0.1:{port}"
    return hearth


@lib.case
def messages_of_rfc_5118():
    if not has_ipv6():
        return
    hearth = dual_stack()
    folder = lib.ROOT / "tests/torture"
    wrong = []
    for name, section, status, why in ROWS.findall((folder / "rfc5118.inc").read_text()):
        data = (folder / "rfc5118" / f"{name}.sip").read_bytes()
        # The messages share their branches: each gets one of its own, and asks for its answer here (RFC 3581).
        data = re.sub(rb"branch=(\S+)", rb"rport;branch=\1" + name.encode(), data, count=1)
        data = data.replace(b"Call-ID: ", b"Call-ID: " + name.encode(), 1)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as wire:
            wire.settimeout(5 * lib.PATIENCE)
            wire.connect(("::1", hearth.sip_port))
            wire.send(data)
            answer = lib.Message(wire.recv(65536))
            while answer.status < 200:
                answer = lib.Message(wire.recv(65536))
            if answer.status != int(status):
                wrong.append(f"{name} ({section}, {why}): {answer.start}, {status} is due")
            port = wire.getsockname()[1]
            if "received=::1" not in answer.get("Via") or f"rport={port}" not in answer.get("Via"):
                wrong.append(f"{name}: {answer.get('Via')}")
    assert not wrong, "; ".join(wrong)


class Phone6(lib.Phone):
    """A phone on ::1; its sound stays on IPv4 loopback unless its SDP says otherwise."""

    def __init__(self, hearth, name, transport="udp"):
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        connection = socket.socket(socket.AF_INET6, kind)
        connection.connect(("::1", hearth.sip_port))
        super().__init__(hearth, name, transport, connection=connection)

    def send(self, text):
        super().send(text.replace(f"127.0.0.1:{self.port}", f"[::1]:{self.port}"))


@lib.case
def both_families_in_one_room():
    if not has_ipv6():
        return
    hearth = dual_stack()
    old = lib.Phone(hearth, "old")
    assert old.invite("room1").status == 200
    for transport in ("udp", "tcp"):
        new = Phone6(hearth, f"new{transport}", transport)
        body = new.sdp().replace("IP4 127.0.0.1", "IP6 ::1")
        response = new.invite("room1", uri=f"sip:room1@[::1]:{hearth.sip_port}", body=body)
        assert response.status == 200, response.start
        assert f"@[::1]:{hearth.sip_port}" in response.get("Contact"), response.get("Contact")
        assert "c=IN IP6 ::1" in response.body, response.body
        one = [p for p in hearth.participants("room1") if new.name in str(p)][0]
        hearth.api("DELETE", f"/api/v1/rooms/room1/participants/{one['id']}")
        bye = new.wait_request("BYE")
        assert bye.start.startswith(f"BYE sip:new{transport}@[::1]:{new.port}"), bye.start
        assert re.match(r"SIP/2.0/\w+ \[::1\]:", bye.get("Via")), bye.get("Via")
        new.answer(bye)
    assert old.bye().status == 200


@lib.case
def dials_out_to_an_ipv6_literal():
    if not has_ipv6():
        return
    hearth = dual_stack()
    hearth.api("POST", "/api/v1/rooms", {"id": "room1"})
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as door:
        door.settimeout(10 * lib.PATIENCE)
        port = door.getsockname()[1]
        made = hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": f"sip:bob@[::1]:{port};transport=tcp"})
        assert made.status in (201, 202), made.text
        phone = lib.Phone(hearth, "bob", "tcp", connection=door.accept()[0])
        invite = phone.wait_request("INVITE")
        assert invite.start == f"INVITE sip:bob@[::1]:{port};transport=tcp SIP/2.0", invite.start
        assert "c=IN IP6 ::1" in invite.body, invite.body
        phone.answer(invite, 486, "Busy Here")
        assert phone.wait_request("ACK")


lib.main()
