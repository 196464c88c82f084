#!/usr/bin/python3
"""Kamailio in front, as proxy and as registrar: calls in and out through it over UDP, TCP and TLS, with sound."""
import pathlib
import subprocess
import tempfile

import lib
from peers import Kamailio

# To rooms by the transport of the test; to users where they are registered, here or (Path) at the server.
CONFIG = """#!KAMAILIO
debug=1
log_stderror=yes
children=2
tcp_children=2
enable_tls=%(enable_tls)s
listen=udp:127.0.0.1:%(port)d
listen=tcp:127.0.0.1:%(port)d
%(listen_tls)s
alias="kamailio.test"
mpath="%(modules)s"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "path.so"
%(tls)s
request_route {
	if (!mf_process_maxfwd_header("10")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	if (has_totag()) {
		if (loose_route() || (is_method("ACK") && t_check_trans())) t_relay();
		else if (!is_method("ACK")) sl_send_reply("404", "No route to there");
		exit;
	}
	loose_route(); # of a call that a Path or an outbound proxy led here
	remove_hf("Route");
	if (is_method("REGISTER") && $rd == "hearth.test") {
		add_path();
		$du = "%(hearth)s";
		t_relay();
		exit;
	}
	if (is_method("REGISTER")) {
		save("location");
		exit;
	}
	if (is_method("INVITE")) record_route();
	if ($rU =~ "^room") $du = "%(hearth)s";
	else if (uri == myself && !lookup("location")) {
		sl_send_reply("404", "Not registered");
		exit;
	}
	t_relay();
}
"""
TLS = """loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "%(directory)s/proxy.pem")
modparam("tls", "private_key", "%(directory)s/proxy.key")
modparam("tls", "ca_list", "%(directory)s/ca.pem")
modparam("tls", "verify_certificate", 1)
modparam("tls", "require_certificate", 1)
"""
VOICES = {
    "anna": ("en+f3", "The quick brown fox jumps over the lazy dog while the rain in Spain stays mainly in the plain"),
    "bert": ("en", "Peter Piper picked a peck of pickled peppers and she sells sea shells by the sea shore today"),
}
KEYS = pathlib.Path(tempfile.mkdtemp(prefix="kamailio-keys-"))


def certificate(name, ca=None):
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-keyout", str(KEYS / f"{name}.key"), "-out", str(KEYS / f"{name}.pem"), "-days", "2", "-subj", f"/CN={name}"]
    if ca:
        command += ["-CA", str(KEYS / f"{ca}.pem"), "-CAkey", str(KEYS / f"{ca}.key"),
                    "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def house(transport, **options):
    """A server and the proxy in front of it, which speak `transport` to each other; both show certificates."""
    udp, tls, proxy_tls = lib.free_port(), lib.free_port(), lib.free_port()
    listen = f"udp:127.0.0.1:{udp},tcp:127.0.0.1:{udp}"
    hearth_uri = f"sip:127.0.0.1:{udp};transport={transport}"
    values = {"enable_tls": "no", "listen_tls": "", "tls": ""}
    secure = {}
    if transport == "tls":
        for name, ca in (("ca", None), ("server", "ca"), ("proxy", "ca")):
            certificate(name, ca)
        listen += f",tls:127.0.0.1:{tls}"
        hearth_uri = f"sip:127.0.0.1:{tls};transport=tls"
        values = {"enable_tls": "yes", "listen_tls": f"listen=tls:127.0.0.1:{proxy_tls}", "tls": TLS % {"directory": KEYS}}
        secure = {"sip__tls_certificate": KEYS / "server.pem", "sip__tls_key": KEYS / "server.key",
                  "sip__tls_ca": KEYS / "ca.pem", "sip__tls_verify_clients": "true"}
    proxy = Kamailio(CONFIG, hearth=hearth_uri, **values)
    proxy.sip_port, proxy.host = proxy.port, f"127.0.0.1:{proxy.port}"
    toward = f"sip:127.0.0.1:{proxy_tls if transport == 'tls' else proxy.port};transport={transport}"
    hearth = lib.Hearth(sip__listen=listen, sip__outbound_proxy=toward, **secure, **options)
    hearth.sip_port, hearth.host = udp, f"127.0.0.1:{udp}"
    return hearth, proxy


def invite(hearth, uri, room="room1"):
    hearth.api("POST", "/api/v1/rooms", {"id": room})
    answer = hearth.api("POST", f"/api/v1/rooms/{room}/participants", {"uri": uri})
    assert answer.status == 202, answer.text
    return f"/api/v1/rooms/{room}/participants/{answer.json['id']}"


def register(phone, user, domain):
    phone.send(phone.request("REGISTER", f"sip:{domain}", "Expires: 600\r\nSupported: path\r\n", to=f"<sip:{user}@{domain}>"))
    response = phone.final()
    assert response.status == 200, response.start


def answer(phone, request, status, reason, body=""):
    """With the Record-Route of the request, as every answer that makes a dialog has it."""
    routes = "".join(f"Record-Route: {value}\r\n" for value in request.all("Record-Route"))
    phone.answer(request, status, reason, routes, body)


def talk_through(transport):
    """Anna calls the room through the proxy, Bert is registered there and called out to; they hear each other. Hold, and
    the end from either side, along the recorded route."""
    hearth, proxy = house(transport)
    directory = tempfile.mkdtemp(prefix="voices-")
    spoken = {name: lib.speech(f"{directory}/{name}.wav", text, voice, times=12) for name, (voice, text) in VOICES.items()}
    bert = lib.Baresip("bert", f"{directory}/bert.wav", account=f"<sip:bert@{proxy.host}>;regint=60")
    lib.wait_for("bert is registered", lambda: "200 OK" in bert.log_text(), 10)
    anna = lib.Baresip("anna", f"{directory}/anna.wav", f"sip:room1@{proxy.host}")
    lib.wait_for("anna is in", lambda: len(hearth.connected("room1")) == 1, 10)
    path = invite(hearth, "sip:bert@kamailio.test")
    lib.wait_for("bert is in", lambda: len(hearth.connected("room1")) == 2, 10)
    sent = [m for m in hearth.api("GET", path + "/sip").json["messages"] if m["text"].startswith("INVITE ")]
    assert sent and all(m["transport"] == transport.upper() for m in sent), sent
    said = {name: samples[lib.RATE:4 * lib.RATE] for name, samples in spoken.items()}  # and again and again
    lib.wait_for("they hear each other", lambda: lib.likeness(anna.heard(), said["bert"]) > 0.6
                 and lib.likeness(bert.heard(), said["anna"]) > 0.6, 20, 0.5)
    assert lib.likeness(anna.heard(), said["anna"]) < 0.35
    hearth.api("DELETE", path)
    lib.wait_for("bert is rung off", bert.ended)
    anna.command("hangup")
    lib.wait_for("the room is empty", lambda: not hearth.connected("room1"))
    for part in (anna, bert, hearth, proxy):  # Bert takes his leave of the registrar
        part.stop()


@lib.case
def by_udp():
    talk_through("udp")


@lib.case
def by_tcp():
    talk_through("tcp")


@lib.case
def by_tls():
    talk_through("tls")


@lib.case
def the_proxy_forks():
    """One INVITE of ours, two phones: early dialogs of both; one answers first, or both do."""
    hearth, proxy = house("udp")
    desk, cell = lib.Phone(proxy, "desk"), lib.Phone(proxy, "cell")
    for phone in (desk, cell):
        register(phone, "carol", proxy.host)
    # The proxy cancels at the desk when the cell answers.
    path = invite(hearth, f"sip:carol@{proxy.host}")
    at_desk, at_cell = desk.wait_request("INVITE"), cell.wait_request("INVITE")
    assert at_desk.get("Call-ID") == at_cell.get("Call-ID"), "forked by the proxy, not by us"
    for phone, request in ((desk, at_desk), (cell, at_cell)):
        answer(phone, request, 180, "Ringing")
    answer(cell, at_cell, 200, "OK", cell.sdp())
    cell.wait_request("ACK")
    desk.answer(desk.wait_request("CANCEL"))
    desk.answer(at_desk, 487, "Request Terminated")
    lib.wait_for("one is in", lambda: len(hearth.connected("room1")) == 1)
    hearth.api("DELETE", path)
    bye = cell.wait_request("BYE")
    cell.answer(bye)
    assert len(bye.all("Via")) == 2, "the BYE came along the recorded route"
    # Both answer at once: the first is in, the other gets its ACK and a BYE.
    path = invite(hearth, f"sip:carol@{proxy.host}", "room2")
    at_desk, at_cell = desk.wait_request("INVITE"), cell.wait_request("INVITE")
    for phone, request in ((desk, at_desk), (cell, at_cell)):
        answer(phone, request, 200, "OK", phone.sdp())
    for phone in (desk, cell):
        phone.wait_request("ACK")
    lib.wait_for("one is in", lambda: len(hearth.connected("room2")) == 1)
    rung_off = []
    for phone in (desk, cell):
        try:
            phone.answer(phone.wait_request("BYE", 1))
            rung_off.append(phone)
        except AssertionError:
            winner = phone
    assert len(rung_off) == 1, [phone.name for phone in rung_off]
    assert len(hearth.connected("room2")) == 1, "the other stays"
    hearth.api("DELETE", path)
    winner.answer(winner.wait_request("BYE"))
    hearth.stop()
    proxy.stop()


@lib.case
def the_proxy_is_the_way_to_our_users():
    """Users of ours register through the proxy, which adds itself to the Path (RFC 3327); we call them that way."""
    for transport in ("udp", "tcp"):
        hearth, proxy = house(transport, sip__registrar="open", sip__domains="hearth.test")
        dora = lib.Phone(proxy, "dora", samples=lib.tone(620, 1))
        register(dora, "dora", "hearth.test")
        listed = hearth.api("GET", "/api/v1/registrations").json["registrations"]
        assert [entry["user"] for entry in listed] == ["dora"] and str(proxy.port) in listed[0]["path"], listed
        path = invite(hearth, "sip:dora@hearth.test")
        request = dora.wait_request("INVITE")
        assert len(request.all("Via")) == 2 and not request.all("Route"), request.fields
        answer(dora, request, 200, "OK", dora.sdp())
        dora.wait_request("ACK")
        dora.rtp.start(request.rtp())
        lib.wait_for("she is heard", lambda: any(p["talking"] for p in hearth.participants("room1")))
        hearth.api("DELETE", path)
        dora.answer(dora.wait_request("BYE"))
        hearth.stop()
        proxy.stop()


@lib.case
def nobody_is_registered_there():
    """The refusal of the proxy is what the API tells."""
    hearth, proxy = house("tcp")
    events = lib.Events(hearth)
    invite(hearth, "sip:nobody@kamailio.test")
    left = events.wait("participant.left")
    assert left["status"] == 404, left
    hearth.stop()
    proxy.stop()


lib.main()
