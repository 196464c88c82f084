"""SIP over WebSocket (RFC 7118): a phone that speaks it by hand, plain and over TLS."""
import base64
import hashlib
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import time

import lib

KEYS = pathlib.Path(tempfile.mkdtemp(prefix="hearth-ws-"))


class WebSocket:
    """The client side of RFC 6455, as far as a phone needs it; a socket to lib.Phone."""

    def __init__(self, port, origin=None, context=None, protocol="sip"):
        self.raw, self.until = socket.create_connection(("127.0.0.1", port), 10 * lib.PATIENCE), None
        if context:
            self.raw = context.wrap_socket(self.raw, server_hostname="127.0.0.1")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Protocol: {protocol}"]
        lines += [f"Origin: {origin}"] if origin else []
        self.raw.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer, self.pings = b"", 0
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        if self.status == 101:
            want = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            assert b"Sec-WebSocket-Accept: " + want in head, head
            assert b"Sec-WebSocket-Protocol: sip" in head, head

    def _more(self):
        if self.until is not None:  # pings must not put it off
            self.raw.settimeout(max(0.001, self.until - time.monotonic()))
        data = self.raw.recv(65536)
        if not data:
            raise ConnectionError("closed")
        self.buffer += data

    def frame(self, opcode, data, fin=True):
        size = len(data)
        head = bytes([opcode | (0x80 if fin else 0)])
        head += bytes([0x80 | size]) if size < 126 else bytes([0xfe]) + size.to_bytes(2, "big")
        mask = os.urandom(4)
        self.raw.sendall(head + mask + bytes(octet ^ mask[i % 4] for i, octet in enumerate(data)))

    def sendall(self, data):
        self.frame(1, data)

    def recv(self, _):
        """The next message; pings are answered on the way; empty after a close, whose code is in .closed."""
        while True:
            while len(self.buffer) < 2:
                self._more()
            size, at = self.buffer[1], 2
            if size == 126:
                while len(self.buffer) < 4:
                    self._more()
                size, at = int.from_bytes(self.buffer[2:4], "big"), 4
            while len(self.buffer) < at + size:
                self._more()
            opcode, data, self.buffer = self.buffer[0] & 15, self.buffer[at:at + size], self.buffer[at + size:]
            if opcode in (1, 2):
                return data
            if opcode == 9:
                self.pings += 1
                self.frame(10, data)
            if opcode == 8:
                self.closed = int.from_bytes(data[:2], "big")
                return b""

    def settimeout(self, seconds):
        self.until = time.monotonic() + seconds

    def getsockname(self):
        return self.raw.getsockname()

    def close(self):
        self.raw.close()


class WsPhone(lib.Phone):
    """Names itself as browsers do: a host that nobody can look up (RFC 7118 5.2)."""

    def __init__(self, hearth, name, samples=None, **how):
        self.host = f"{os.urandom(5).hex()}.invalid"
        super().__init__(hearth, name, "ws", samples, connection=WebSocket(hearth.ws_port, **how))
        self.secure = "context" in how

    def send(self, text):
        text = text.replace(f"127.0.0.1:{self.port};", f"{self.host};")
        super().send(text.replace("SIP/2.0/WS ", "SIP/2.0/WSS ") if self.secure else text)


def hearth_with_ws(proto="ws", **options):
    port, udp = lib.free_port() + 1, lib.free_port()
    if proto == "wss" and not (KEYS / "server.pem").exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", str(KEYS / "server.key"), "-out", str(KEYS / "server.pem"), "-days", "2",
                        "-subj", "/CN=server", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if proto == "wss":
        options |= {"sip__tls_certificate": KEYS / "server.pem", "sip__tls_key": KEYS / "server.key"}
    hearth = lib.Hearth(**{"sip__listen": f"udp:127.0.0.1:{udp},{proto}:127.0.0.1:{port}"} | options)
    hearth.sip_port, hearth.host, hearth.ws_port = udp, f"127.0.0.1:{udp}", port
    return hearth


@lib.case
def websocket_and_udp_hear_each_other():
    hearth = hearth_with_ws()
    web = WsPhone(hearth, "web", lib.tone(600, 1))
    plain = lib.Phone(hearth, "plain", "udp", lib.tone(900, 1))
    response = web.invite("room1", uri="sip:room1@127.0.0.1")
    assert response.status == 200, response.start
    assert f"sip:room1@127.0.0.1:{hearth.ws_port};transport=ws" in response.get("Contact"), response.get("Contact")
    assert "received=127.0.0.1" in response.get("Via"), response.get("Via")
    assert plain.invite("room1").status == 200
    lib.hears(web, 900)
    lib.hears(plain, 600)
    # The server's own request goes over the connection, whatever host the Contact names.
    one = [p for p in hearth.participants("room1") if "web" in str(p)][0]
    assert hearth.api("DELETE", f"/api/v1/rooms/room1/participants/{one['id']}").status in (200, 202, 204)
    bye = web.wait_request("BYE")
    assert bye.get("Via").startswith("SIP/2.0/WS "), bye.get("Via")
    assert web.host in bye.start, bye.start
    web.answer(bye)
    assert plain.bye().status == 200
    assert hearth.metric("hearth_sip_connections") == 1


@lib.case
def a_browser_registers_and_is_called():
    hearth = hearth_with_ws(sip__registrar="open")
    web = WsPhone(hearth, "web")
    web.send(web.request("REGISTER", f"sip:{hearth.host}", "Expires: 600\r\n", to=f"<sip:anna@{hearth.host}>"))
    response = web.final()
    assert response.status == 200 and web.host in response.get("Contact"), response.fields
    hearth.api("POST", "/api/v1/rooms", {"id": "room1"})
    made = hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": f"sip:anna@{hearth.host}"})
    assert made.status == 202, made.text
    invite = web.wait_request("INVITE")  # its Contact cannot be looked up: this came over the connection
    assert web.host in invite.start, invite.start
    web.answer(invite, body=web.sdp())
    web.wait_request("ACK")
    lib.wait_for("it is in the room", lambda: len(hearth.connected("room1")) == 1)
    hearth.api("DELETE", f"/api/v1/rooms/room1/participants/{hearth.connected('room1')[0]['id']}")
    web.answer(web.wait_request("BYE"))


@lib.case
def secure_websocket():
    hearth = hearth_with_ws("wss", sip__ws_origins="https://phone.example.com")
    context = ssl.create_default_context(cafile=str(KEYS / "server.pem"))
    web = WsPhone(hearth, "web", context=context, origin="https://phone.example.com")
    response = web.invite("room1", uri="sip:room1@127.0.0.1")
    assert response.status == 200, response.start
    assert ";transport=ws>" in response.get("Contact"), response.get("Contact")
    assert web.bye().status == 200
    assert WebSocket(hearth.ws_port, "https://evil.example.com", context).status == 403
    assert WebSocket(hearth.ws_port, None, context, "chat").status == 400
    assert hearth.metric("hearth_sip_tls_handshakes_total") == 3


@lib.case
def a_websocket_that_is_silent_is_pinged_and_one_that_is_lost_ends_the_call():
    hearth = hearth_with_ws(sip__ws_ping_s=1)
    web = WsPhone(hearth, "web")
    assert web.invite("room1", uri="sip:room1@127.0.0.1").status == 200
    lib.wait_for("a ping", lambda: web.receive(0.3) is None and web.socket.pings >= 1)
    # A browser that is closed says nothing; the BYE that the server owes it has no way to go.
    web.socket.close()
    lib.wait_for("connection is gone", lambda: hearth.metric("hearth_sip_connections") == 0)
    one = hearth.participants("room1")[0]
    hearth.api("DELETE", f"/api/v1/rooms/room1/participants/{one['id']}")
    lib.wait_for("room is empty", lambda: not hearth.participants("room1"))


@lib.case
def what_breaks_the_protocol_is_closed_with_a_code():
    hearth = hearth_with_ws()
    for name, code, send in (("unmasked", 1002, lambda ws: ws.raw.sendall(b"\x81\x01x")),
                             ("no UTF-8", 1007, lambda ws: ws.frame(1, b"\xff")),
                             ("too large", 1009, lambda ws: [ws.frame(2 if i == 0 else 0, b"x" * 60000, False) for i in range(2)]),
                             ("closed by the client", 1000, lambda ws: ws.frame(8, b"\x03\xe8"))):
        ws = WebSocket(hearth.ws_port)
        ws.settimeout(10 * lib.PATIENCE)
        send(ws)
        assert ws.recv(0) == b"", name
        assert ws.closed == code, f"{name}: {ws.closed}"
    ws = WebSocket(hearth.ws_port)
    ws.frame(1, b"\r\n\r\n")
    assert ws.recv(0) == b"\r\n"


@lib.case
def drain_says_goodbye():
    hearth = hearth_with_ws()
    ws = WebSocket(hearth.ws_port)
    ws.settimeout(10 * lib.PATIENCE)
    hearth.stop()
    assert ws.recv(0) == b"" and ws.closed == 1001


lib.main()
