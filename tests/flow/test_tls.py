"""SIP over TLS: phones that speak it, mixed with phones that do not; certificates; dialling out."""
import signal
import socket
import ssl

import lib
from certificates import KEYS, certificate, client, hearth_with_tls


@lib.case
def tls_and_udp_hear_each_other():
    hearth = hearth_with_tls()
    secure = lib.Phone(hearth, "secure", "tls", lib.tone(600, 1), context=client())
    plain = lib.Phone(hearth, "plain", "udp", lib.tone(900, 1))
    uri = f"sips:room1@127.0.0.1:{hearth.tls_port}"
    response = secure.invite("room1", uri=uri)
    assert response.status == 200, response.start
    assert response.contact_uri().startswith("sips:"), response.get("Contact")
    assert "transport=" not in response.get("Contact"), response.get("Contact")
    assert plain.invite("room1").status == 200
    lib.hears(secure, 900)
    lib.hears(plain, 600)
    assert hearth.metric("hearth_sip_connections") == 1
    assert hearth.metric("hearth_sip_tls_handshakes_total") == 1
    # The server's own request in the dialog comes on the connection of the call (RFC 5923).
    one = [p for p in hearth.participants("room1") if "secure" in str(p)][0]
    assert hearth.api("DELETE", f"/api/v1/rooms/room1/participants/{one['id']}").status in (200, 202, 204)
    secure.answer(secure.wait_request("BYE"))
    assert plain.bye().status == 200


@lib.case
def sip_over_tls_keeps_its_transport():
    hearth = hearth_with_tls()
    phone = lib.Phone(hearth, "phone", "tls", context=client())
    response = phone.invite("room1", uri=f"sip:room1@127.0.0.1:{hearth.tls_port};transport=tls")
    assert response.status == 200, response.start
    assert f"sip:room1@127.0.0.1:{hearth.tls_port};transport=tls" in response.get("Contact"), response.get("Contact")
    assert phone.bye().status == 200


@lib.case
def dials_out_over_tls():
    hearth = hearth_with_tls()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(KEYS / "phone.pem", KEYS / "phone.key")
    context.load_verify_locations(KEYS / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED  # the server shows its certificate as a client, too
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(10 * lib.PATIENCE)
        port = door.getsockname()[1]
        hearth.api("POST", "/api/v1/rooms", {"id": "room1"})
        made = hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": f"sips:bob@127.0.0.1:{port}"})
        assert made.status in (201, 202), made.text
        connection = context.wrap_socket(door.accept()[0], server_side=True)
        phone = lib.Phone(hearth, "bob", "tls", lib.tone(700, 1), connection=connection)
        invite = phone.wait_request("INVITE")
        assert invite.start == f"INVITE sips:bob@127.0.0.1:{port} SIP/2.0", invite.start
        assert invite.get("Via").startswith("SIP/2.0/TLS "), invite.get("Via")
        assert invite.contact_uri().startswith("sips:"), invite.get("Contact")
        phone.answer(invite, body=phone.sdp())
        phone.wait_request("ACK")
        lib.wait_for("connected", lambda: len(hearth.connected("room1")) == 1)
        one = hearth.connected("room1")[0]
        hearth.api("DELETE", f"/api/v1/rooms/room1/participants/{one['id']}")
        phone.answer(phone.wait_request("BYE"))
        lib.wait_for("gone", lambda: not hearth.connected("room1"))


@lib.case
def clients_without_certificate_are_refused():
    hearth = hearth_with_tls(sip__tls_verify_clients="true")
    phone = lib.Phone(hearth, "phone", "tls", context=client("phone"))
    uri = f"sips:room1@127.0.0.1:{hearth.tls_port}"
    assert phone.invite("room1", uri=uri).status == 200
    try:
        nobody = lib.Phone(hearth, "nobody", "tls", context=client())
        nobody.send(nobody.request("OPTIONS", uri))
        answer = nobody.receive(3)
    except OSError:
        answer = None
    assert answer is None, answer.start
    lib.wait_for("it is counted", lambda: hearth.metric("hearth_sip_tls_handshakes_failed_total") == 1)
    assert phone.bye().status == 200


def shown_serial(hearth):
    with client().wrap_socket(socket.create_connection(("127.0.0.1", hearth.tls_port), 10 * lib.PATIENCE),
                              server_hostname="127.0.0.1") as connection:
        return connection.getpeercert()["serialNumber"]


@lib.case
def certificates_by_name():
    hearth_with_tls().stop()  # makes the keys
    certificate("one", "DNS:one.example", "ca")
    certificate("many", "DNS:a.many.example", "ca")
    hearth = hearth_with_tls(sip__tls_sni=f"one.example {KEYS}/one.pem {KEYS}/one.key, *.many.example {KEYS}/many.pem {KEYS}/many.key")

    def shown(name):
        context = client()
        context.check_hostname = False
        with context.wrap_socket(socket.create_connection(("127.0.0.1", hearth.tls_port), 10 * lib.PATIENCE), server_hostname=name) as connection:
            return connection.getpeercert()["subjectAltName"][0][1]

    assert shown("one.example") == "one.example"
    assert shown("ONE.example") == "one.example"
    assert shown("a.many.example") == "a.many.example"
    for other in ("a.b.many.example", "many.example", "other.example", None):
        assert shown(other) == "127.0.0.1", other
    hearth.process.send_signal(signal.SIGHUP)
    lib.wait_for("reloaded", lambda: "server.reloaded" in hearth.log_text())
    assert shown("one.example") == "one.example"


@lib.case
def reload_changes_the_certificate_and_drops_nobody():
    hearth = hearth_with_tls()
    phone = lib.Phone(hearth, "phone", "tls", context=client())
    assert phone.invite("room1", uri=f"sips:room1@127.0.0.1:{hearth.tls_port}").status == 200
    before = shown_serial(hearth)
    (KEYS / "used.pem").write_text("no certificate\n")
    hearth.process.send_signal(signal.SIGHUP)
    lib.wait_for("a bad file is refused", lambda: "tls_reload_refused" in hearth.log_text())
    assert shown_serial(hearth) == before
    for file in ("pem", "key"):
        (KEYS / f"used.{file}").write_bytes((KEYS / f"fresh.{file}").read_bytes())
    hearth.process.send_signal(signal.SIGHUP)
    lib.wait_for("the new one is shown", lambda: shown_serial(hearth) != before)
    assert phone.bye().status == 200


def register(phone, user, scheme, headers=""):
    phone.send(phone.request("REGISTER", f"{scheme}:127.0.0.1", f"Expires: 600\r\n{headers}", to=f"<sip:{user}@127.0.0.1>"))
    return phone.final()


def reached(caller, uri, callee):
    """The Request-URI of what the callee got; the call is over when this returns."""
    caller.uri = uri
    caller.send(caller.request("INVITE", uri, body=caller.sdp()))
    invite = callee.wait_request("INVITE")
    callee.answer(invite, body=callee.sdp())
    callee.wait_request("ACK")
    response = caller.final()
    assert response.status == 200, response.start
    caller.ack(response)
    assert response.contact_uri().split(":")[0] == uri.split(":")[0], response.get("Contact")
    assert invite.contact_uri().split(":")[0] == uri.split(":")[0], invite.get("Contact")
    assert caller.bye().status == 200
    callee.answer(callee.wait_request("BYE"))
    caller.to = None
    return invite.start.split()[1]


@lib.case
def by_sips_nothing_less():
    """RFC 5630 5.2, 5.3: who calls by sips: reaches sips: Contacts alone; who calls by sip: reaches them by TLS."""
    hearth = hearth_with_tls(sip__registrar="open")
    bob, anna = (lib.Phone(hearth, name, "tls", context=client()) for name in ("bob", "anna"))
    plain = lib.Phone(hearth, "plain")
    secure, clear = f"sips:bob@127.0.0.1:{hearth.tls_port}", f"sip:bob@{hearth.host}"
    assert register(bob, "bob", "sip").status == 200
    anna.contact_scheme = "sips"
    refused = anna.invite("bob", uri=secure)
    assert refused.status == 480 and refused.get("Warning").startswith("380 "), (refused.start, refused.get("Warning"))
    anna.to = None
    anna.send(anna.request("OPTIONS", secure))
    refused = anna.final()
    assert refused.status == 480 and refused.get("Warning").startswith("380 "), (refused.start, refused.get("Warning"))
    assert reached(plain, clear, bob) == f"sip:bob@127.0.0.1:{bob.port};transport=tls"

    bob.contact_scheme = "sips"
    assert register(bob, "bob", "sip").status == 400
    assert register(bob, "bob", "sips", "Path: <sip:127.0.0.1;lr>\r\nSupported: path\r\n").status == 400
    bob.contact_params = ';+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'
    done = register(bob, "bob", "sips", "Supported: gruu\r\n")
    assert done.status == 200, done.start
    gruus = [value for value in done.all("Contact") if "pub-gruu" in value]
    assert f'pub-gruu="sips:bob@127.0.0.1:{hearth.tls_port};gr=' in gruus[0] and 'temp-gruu="sips:tgruu.' in gruus[0], gruus
    for entry in hearth.api("GET", "/api/v1/registrations").json["registrations"]:
        if entry["contact"].startswith("sip:"):
            assert hearth.api("DELETE", f"/api/v1/registrations/{entry['id']}").status == 204
    bob.contact_params = ""
    assert reached(anna, secure, bob) == f"sips:bob@127.0.0.1:{bob.port}"
    assert reached(plain, clear, bob) == f"sip:bob@127.0.0.1:{bob.port}"

    anna.contact_scheme, plain.to = "sip", None
    assert anna.invite("bob", uri=secure).status == 400  # RFC 5630 5.3: a Contact that is not sips:
    in_the_clear = plain.invite("bob", uri=secure)
    assert in_the_clear.status == 480 and in_the_clear.get("Warning").startswith("380 "), in_the_clear.start


lib.main()
