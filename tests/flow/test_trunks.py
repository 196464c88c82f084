#!/usr/bin/python3
"""Registered at a trunk: Hearth as the client of a registrar, which is another Hearth with passwords, or Kamailio."""
import pathlib
import tempfile

import lib
from peers import Kamailio

KAMAILIO = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
listen=udp:127.0.0.1:%(port)d
alias="trunk.test"
mpath="%(modules)s"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("registrar", "max_expires", 120)
request_route {
	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	if (is_method("REGISTER")) {
		append_to_reply("Service-Route: <sip:127.0.0.1:%(port)d;lr;core=yes>\\r\\n");
		save("location");
		exit;
	}
	if (has_totag()) {
		loose_route();
		t_relay();
		exit;
	}
	# Out of the house only by the route that registering gave.
	if ($(hdr(Route)[0]) =~ "core=yes" && lookup("location")) {
		remove_hf("Route");
		record_route();
		t_relay();
		exit;
	}
	if ($rU == "bridge" && lookup("location")) {
		record_route();
		t_relay();
		exit;
	}
	sl_send_reply("403", "Not By This Way");
}
"""


def credentials(text):
    path = pathlib.Path(tempfile.mkdtemp()) / "credentials"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def trunk(hearth):
    return hearth.api("GET", "/api/v1/trunks").json["trunks"][0]


@lib.case
def with_a_password():
    """It is asked, registers over TCP, gets the call of a phone there with sound both ways, and takes its leave."""
    provider = lib.Hearth(sip__realm="trunk.test")
    assert provider.api("POST", "/api/v1/users", {"name": "bridge", "password": "secret"}).status == 201
    hearth = lib.Hearth(sip__register=f"sip:bridge@{provider.host};transport=tcp",
                        sip__credentials_file=credentials("trunk.test bridge secret\n"))
    lib.wait_for("registered", lambda: trunk(hearth)["state"] == "registered")
    listed = provider.api("GET", "/api/v1/registrations").json["registrations"]
    assert [(entry["user"], entry["transport"]) for entry in listed] == [("bridge", "tcp")], listed
    assert trunk(hearth)["outbound"] is True, trunk(hearth)  # met on our connection (RFC 5626)
    inside, outside = lib.Phone(hearth, "inside", samples=lib.tone(440, 1)), lib.Phone(provider, "out", samples=lib.tone(620, 1))
    assert inside.invite("bridge").status == 200, "a room of that name"
    assert outside.invite("bridge").status == 200
    lib.hears(inside, 620, above=1000)
    lib.hears(outside, 440, above=1000)
    hearth.wait_connected("bridge", 2)
    assert outside.bye().status == 200 and inside.bye().status == 200
    hearth.stop()
    lib.wait_for("it took its leave", lambda: not provider.api("GET", "/api/v1/registrations").json["registrations"])
    provider.stop()


@lib.case
def a_wrong_password_is_told():
    provider = lib.Hearth(sip__realm="trunk.test")
    assert provider.api("POST", "/api/v1/users", {"name": "bridge", "password": "secret"}).status == 201
    hearth = lib.Hearth(sip__register=f"sip:bridge@{provider.host}",
                        sip__credentials_file=credentials("trunk.test bridge guess\n"))
    lib.wait_for("failed", lambda: trunk(hearth)["state"] == "failed")
    told = trunk(hearth)
    assert told["status"] == 401 and told["next_try_at"] and not told["expires_at"], told
    assert "warn trunk.failed" in hearth.log_text() and "guess" not in hearth.log_text()
    assert hearth.metric('hearth_trunks{state="failed"}') == 1
    hearth.stop()
    provider.stop()


@lib.case
def by_its_service_route():
    """Kamailio lets out only what comes by the Service-Route that it gave; its shorter time is obeyed."""
    proxy = Kamailio(KAMAILIO)
    hearth = lib.Hearth(sip__register=f"sip:bridge@127.0.0.1:{proxy.port}")
    lib.wait_for("registered", lambda: trunk(hearth)["state"] == "registered")
    assert "core=yes" in trunk(hearth)["service_route"], trunk(hearth)
    proxy.sip_port, proxy.host = proxy.port, f"127.0.0.1:{proxy.port}"
    bob = lib.Phone(proxy, "bob")
    bob.send(bob.request("REGISTER", f"sip:{proxy.host}", to=f"<sip:bob@{proxy.host}>"))
    assert bob.final().status == 200
    hearth.api("POST", "/api/v1/rooms", {"id": "office"})
    made = hearth.api("POST", "/api/v1/rooms/office/participants", {"uri": f"sip:bob@{proxy.host}"})
    assert made.status == 202, made.text
    invite = bob.wait_request("INVITE")
    assert len(invite.all("Via")) == 2 and f"sip:bridge@127.0.0.1:{proxy.port}" in invite.get("From"), invite.fields
    bob.answer(invite, 486, "Busy Here")
    hearth.stop()
    proxy.stop()


lib.main()
