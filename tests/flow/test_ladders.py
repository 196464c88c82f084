#!/usr/bin/python3
"""The call flows of RFC 3665 where Hearth is one end of them, and those of the seeds, as SIPp plays them.

A case has the section in its name. What two programs are in the RFC (Alice and her proxy) is one SIPp here: it writes the
Via and Record-Route that the other would have added.
"""
import datetime
import pathlib
import re
import socket
import tempfile

import lib
from ladder import Callee, Caller, sdp

REALM = "biloxi.test"
ASK = "[authentication username=bob password=secret]\n"


def invite(hearth, uri, room="office"):
    """The API calls somebody into a room: Hearth is Alice."""
    hearth.api("POST", "/api/v1/rooms", {"id": room})
    answer = hearth.api("POST", f"/api/v1/rooms/{room}/participants", {"uri": uri})
    assert answer.status == 202, answer.text
    return f"/api/v1/rooms/{room}/participants/{answer.json['id']}"


def called_out(hearth, callee, status, cause=None, uri=None):
    """Calls, and sees how it ends in the event stream."""
    events = lib.Events(hearth)
    callee.start()
    invite(hearth, uri or callee.uri)
    left = events.wait("participant.left", 30)
    assert left["status"] == status and cause in (None, left["cause"]), left
    callee.finish()
    events.stop()


# RFC 3665 2: registration --------------------------------------------------------------------------

def registers(hearth, *, contact="<sip:bob@[local_ip]:[local_port]>", headers="", password="secret", status=200, **wanted):
    bob = Caller(hearth, None, "bob")
    bob.aor = "sip:bob@[remote_ip]:[remote_port]"
    bob.send("REGISTER", headers, contact=contact)
    bob.recv(401, auth=True, WWW_Authenticate="Digest .*realm=.biloxi.test.")
    bob.send("REGISTER", headers + ASK.replace("secret", password), contact=contact)
    bob.recv(status, **wanted)
    bob.run()


@lib.case
def rfc3665_2_registration():
    hearth = lib.Hearth(sip__realm=REALM)
    assert hearth.api("POST", "/api/v1/users", {"name": "bob", "password": "secret"}).status == 201
    # 2.5 first, so that nothing is registered after it.
    registers(hearth, password="guess", status=401, WWW_Authenticate="Digest")
    assert hearth.metric("hearth_registrations") == 0
    # 2.1 a new registration
    registers(hearth, contact="<sip:bob@127.0.0.1:9>", Contact="<sip:bob@127.0.0.1:9>;expires=3600")
    # 2.2 update of the list: an address of another scheme beside it
    registers(hearth, contact="<mailto:bob@biloxi.test>", Contact="sip:bob@127.0.0.1:9")
    listed = hearth.api("GET", "/api/v1/registrations").json["registrations"]
    assert [entry["contact"] for entry in listed] == ["sip:bob@127.0.0.1:9", "mailto:bob@biloxi.test"], listed
    # 2.3 the list is asked for
    registers(hearth, contact="", Contact="sip:bob@127.0.0.1:9")
    assert hearth.metric("hearth_registrations") == 2
    # 2.4 all go
    registers(hearth, contact="*", headers="Expires: 0\n", Contact=None)
    assert hearth.metric("hearth_registrations") == 0
    hearth.stop()


# RFC 3665 3: sessions, Hearth is called -----------------------------------------------------------------

@lib.case
def rfc3665_3_1_called():
    """Success, and Hearth hangs up, as Bob does there."""
    hearth = lib.Hearth()
    alice = Caller(hearth)
    alice.send("INVITE", body=sdp())
    alice.recv(100, optional=True)
    alice.recv(200, Contact="sip:lobby@.*isfocus", body="m=audio [1-9]", Require=None)
    alice.ack()
    alice.expect("BYE")
    alice.start()
    lib.wait_for("connected", lambda: hearth.connected("lobby"))
    seat = hearth.connected("lobby")[0]["id"]
    assert hearth.api("DELETE", f"/api/v1/rooms/lobby/participants/{seat}").status == 204
    alice.finish()
    hearth.stop()


@lib.case
def rfc3665_3_2_called_through_two_proxies():
    """Their Vias come back in order, the route set is theirs (3.5 has one such hop, an ALG)."""
    hearth = lib.Hearth()
    alice = Caller(hearth)
    alice.send("INVITE", "Record-Route: <sip:[local_ip]:[local_port];lr;hop=2>\nRecord-Route: <sip:ss1.atlanta.test;lr>\n",
               sdp(), vias="Via: SIP/2.0/TCP ss1.atlanta.test:5060;branch=z9hG4bK2d4790.1\n"
                           "Via: SIP/2.0/TCP client.atlanta.test:5060;branch=z9hG4bK74bf9\n")
    alice.recv(100, optional=True)
    alice.recv(200, Record_Route="hop=2.*ss1|hop=2", Via="z9hG4bK2d4790.1|x1n1|[local_ip]")
    alice.ack()
    alice.expect("BYE", Route="<sip:127.0.0.1:[0-9]*;lr;hop=2>")
    alice.start()
    lib.wait_for("connected", lambda: hearth.connected("lobby"))
    seat = hearth.connected("lobby")[0]["id"]
    messages = hearth.api("GET", f"/api/v1/rooms/lobby/participants/{seat}/sip").json["messages"]
    answer = lib.Message(next(m["text"] for m in messages if m["text"].startswith("SIP/2.0 200")).encode())
    assert [re.search(r"branch=(\S+?)(;|$)", via).group(1)[:9] for via in answer.all("Via")][1:] == ["z9hG4bK2d", "z9hG4bK74"]
    assert [route.split("@")[-1][-8:] for route in answer.all("Record-Route")] == ["r;hop=2>", "test;lr>"], answer.fields
    hearth.api("DELETE", f"/api/v1/rooms/lobby/participants/{seat}")
    alice.finish()
    hearth.stop()


@lib.case
def rfc3665_3_6_called_with_sdp_in_the_ack():
    hearth = lib.Hearth()
    events = lib.Events(hearth)
    alice = Caller(hearth)
    alice.send("INVITE")
    alice.recv(100, optional=True)
    alice.recv(200, body="m=audio [1-9]")
    alice.ack(sdp())
    alice.pause(200)
    alice.send("BYE")
    alice.recv(200)
    alice.start()
    events.wait("participant.joined", 30, room_id="lobby")
    alice.finish()
    hearth.stop()


@lib.case
def rfc3665_3_7_called_and_moved():
    """Re-INVITE with another Contact and another address for sound; the BYE goes to the new place."""
    hearth = lib.Hearth()
    elsewhere = lib.free_port()
    alice = Caller(hearth)
    alice.send("INVITE", body=sdp(), contact="<sip:gone@127.0.0.1:9>")
    alice.recv(100, optional=True)
    alice.recv(200)
    alice.ack()
    alice.send("INVITE", body=sdp(2, port=str(elsewhere)), contact="<sip:moved@[local_ip]:[local_port]>")
    alice.recv(100, optional=True)
    alice.recv(200, body="o=- [0-9]+ [0-9]+ IN")
    alice.ack()
    alice.expect("BYE")
    alice.start()
    rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rtp.bind(("127.0.0.1", elsewhere))
    rtp.settimeout(10 * lib.PATIENCE)
    assert rtp.recv(2048), "sound goes to the new address"
    seat = hearth.connected("lobby")[0]["id"]
    hearth.api("DELETE", f"/api/v1/rooms/lobby/participants/{seat}")
    alice.finish()
    rtp.close()
    hearth.stop()


@lib.case
def rfc3665_3_8_called_and_cancelled():
    """Seeds S8, case 1: 200 to the CANCEL, 487 to the INVITE. Case 2: the 200 was faster; the call stays until the BYE."""
    hearth = lib.Hearth(callback__numbers="9000=lobby;rings=5", callback__allow="@127.0.0.1", callback__delay_s=600)
    events = lib.Events(hearth)
    alice = Caller(hearth, "9000")
    alice.send("INVITE", body=sdp())
    alice.recv(100, optional=True)
    alice.recv(180)
    alice.cancel()
    alice.recv(200, dialog=False, CSeq="CANCEL")
    alice.recv(487, CSeq="INVITE")
    alice.ack(refused=True)
    alice.run()
    alice = Caller(hearth)
    alice.send("INVITE", body=sdp())
    alice.recv(100, optional=True)
    alice.recv(200)
    alice.cancel()
    alice.recv(200, dialog=False, CSeq="CANCEL")
    alice.ack()
    alice.pause(300)
    alice.send("BYE")
    alice.recv(200)
    alice.start()
    events.wait("participant.joined", 30, room_id="lobby")
    assert events.wait("participant.left", 30, room_id="lobby")["cause"] == "bye", "the call stays until then"
    alice.finish()
    stray = Caller(hearth)
    stray.invite = (1, 1)
    stray.cancel()
    stray.recv(481, dialog=False)
    stray.run()
    hearth.stop()


@lib.case
def rfc3665_3_9_and_3_11_called_and_refused():
    hearth = lib.Hearth(sip__realm=REALM, rooms__autocreate="false")
    hearth.api("POST", "/api/v1/rooms", {"id": "shut", "locked": True})
    hearth.api("POST", "/api/v1/users", {"name": "bob", "password": "secret"})
    for user, status in (("shut", 486), ("bob", 480), ("nobody", 404)):
        alice = Caller(hearth, user)
        alice.send("INVITE", body=sdp())
        alice.recv(100, optional=True)
        alice.recv(status)
        alice.ack(refused=True)
        alice.run()
    hearth.stop()


# RFC 3665 3: sessions, Hearth calls ---------------------------------------------------------------------

@lib.case
def rfc3665_3_1_calls():
    hearth = lib.Hearth()
    events = lib.Events(hearth)
    bob = Callee()
    bob.recv("INVITE", body="m=audio [1-9]", Contact="isfocus")
    bob.reply(180)
    bob.reply(200, body=sdp())
    bob.recv("ACK", body=None)
    bob.pause(200)
    bob.send("BYE")
    bob.answered(200)
    bob.start()
    invite(hearth, bob.uri)
    events.wait("participant.joined", 30, room_id="office")
    bob.finish()
    hearth.stop()


@lib.case
def rfc3665_3_2_calls_through_two_proxies():
    """The first proxy and what is behind it: the route set is theirs in reverse, for ACK and BYE."""
    bob = Callee()
    hearth = lib.Hearth(sip__outbound_proxy=bob.uri.replace("bob@", ""))
    bob.routes = "Record-Route: <sip:ss2.biloxi.test;lr>\nRecord-Route: <sip:[local_ip]:[local_port];lr;hop=1>\n"
    bob.recv("INVITE", Route="lr")
    bob.reply(180)
    bob.reply(200, body=sdp(), contact="<sip:bob@client.biloxi.test>")
    bob.recv("ACK", Route="<sip:127.0.0.1:[0-9]*;lr;hop=1>")
    bob.recv("BYE", Route="<sip:127.0.0.1:[0-9]*;lr;hop=1>")
    bob.reply(200, invite=False)
    bob.start()
    seat = invite(hearth, "sip:bob@biloxi.test")
    lib.wait_for("connected", lambda: hearth.connected("office"))
    messages = hearth.api("GET", seat + "/sip").json["messages"]
    ack = lib.Message(next(m["text"] for m in messages if m["text"].startswith("ACK")).encode())
    assert ack.start == "ACK sip:bob@client.biloxi.test SIP/2.0", ack.start
    assert [("hop=1" in route, "ss2" in route) for route in ack.all("Route")] == [(True, False), (False, True)], ack.fields
    hearth.api("DELETE", seat)
    bob.finish()
    hearth.stop()


@lib.case
def rfc3665_3_3_calls_and_both_proxies_ask():
    """Two challenges one after the other; the last request answers both."""
    keys = pathlib.Path(tempfile.mkdtemp()) / "credentials"
    keys.touch(mode=0o600)
    keys.write_text("atlanta.test alice one\nbiloxi.test alice two\n")
    bob = Callee()
    hearth = lib.Hearth(sip__outbound_proxy=bob.uri.replace("bob@", ""), sip__credentials_file=keys)
    for realm, nonce in (("atlanta", "f84f1cec41e6cbe5aea9c8e88d359"), ("biloxi", "c1e22c41ae6cbe5ae983a9c8e88d359")):
        bob.recv("INVITE")
        bob.reply(407, headers=f'Proxy-Authenticate: Digest realm="{realm}.test", qop="auth", nonce="{nonce}", algorithm=MD5\n')
        bob.recv("ACK")
    bob.recv("INVITE", Proxy_Authorization="realm=.atlanta.test.|realm=.biloxi.test.")
    bob.reply(200, body=sdp())
    bob.recv("ACK", Proxy_Authorization="realm")
    bob.recv("BYE", Proxy_Authorization="nc=0000000[23]")
    bob.reply(200, invite=False)
    bob.start()
    seat = invite(hearth, "sip:bob@biloxi.test")
    lib.wait_for("connected", lambda: hearth.connected("office"))
    messages = hearth.api("GET", seat + "/sip").json["messages"]
    last = lib.Message([m["text"] for m in messages if m["text"].startswith("INVITE")][-1].encode())
    assert len(last.all("Proxy-Authorization")) == 2 and last.get("CSeq").endswith(" INVITE"), last.fields
    hearth.api("DELETE", seat)
    bob.finish()
    hearth.stop()


@lib.case
def rfc3665_3_6_calls_and_is_redirected():
    hearth = lib.Hearth()
    bob, moved = Callee(), Callee("moved")
    bob.recv("INVITE")
    bob.reply(302, "Moved Temporarily", contact=f"<{moved.uri}>")
    bob.recv("ACK")
    moved.recv("INVITE")
    moved.reply(180)
    moved.reply(200, body=sdp())
    moved.recv("ACK")
    moved.recv("BYE")
    moved.reply(200, invite=False)
    bob.start()
    moved.start()
    seat = invite(hearth, bob.uri)
    lib.wait_for("connected", lambda: hearth.connected("office"))
    bob.finish()
    hearth.api("DELETE", seat)
    moved.finish()
    hearth.stop()


@lib.case
def rfc3665_3_7_calls_and_is_moved():
    """Bob's re-INVITE in our call."""
    hearth = lib.Hearth()
    bob = Callee()
    bob.recv("INVITE")
    bob.reply(200, body=sdp())
    bob.recv("ACK")
    bob.send("INVITE", body=sdp(2, "sendonly"))
    bob.answered(100, optional=True)
    bob.answered(200, body="a=recvonly")
    bob.ack()
    bob.recv("BYE")
    bob.reply(200, invite=False)
    bob.start()
    seat = invite(hearth, bob.uri)
    lib.wait_for("on hold", lambda: any(p["state"] == "on-hold" for p in hearth.participants("office")))
    hearth.api("DELETE", seat)
    bob.finish()
    hearth.stop()


@lib.case
def rfc3665_3_9_to_3_11_calls_and_fails():
    """Busy, nobody answers at all, not available for now. (3.8, CANCEL: test_session.py; 3.4, a proxy that fails: test_dns.py.)"""
    hearth = lib.Hearth(focus__ring_s=5)
    for status, cause in ((486, "busy"), (480, None), (603, None)):
        bob = Callee()
        bob.recv("INVITE")
        bob.reply(status)
        bob.recv("ACK")
        called_out(hearth, bob, status, cause)
    hearth.stop()


@lib.case
def rfc3665_3_10_calls_and_hears_nothing():
    """The INVITE comes again after T1 and after twice T1 (17.1.1.2). Who takes the call back before any answer sends no CANCEL
    (9.1), but is not kept waiting: the room goes on without it."""
    hearth = lib.Hearth()
    bob = Callee()
    bob.recv("INVITE")
    bob.pause(1800)  # SIPp takes the copies for what they are
    bob.start()
    seat = invite(hearth, bob.uri)
    bob.finish()
    lib.wait_for("it came twice again", lambda: hearth.metric("hearth_sip_retransmissions_sent_total") >= 2)
    sent = [m for m in hearth.api("GET", seat + "/sip").json["messages"] if m["text"].startswith("INVITE ")]
    first, second, third = (datetime.datetime.fromisoformat(m["at"]).timestamp() for m in sent[:3])
    assert second - first > 0.49 and third - second > 0.99, (first, second, third)
    assert hearth.api("DELETE", seat).status == 204
    assert not hearth.connected("office")
    assert hearth.metric('hearth_sip_requests_sent_total{method="CANCEL"}') == 0
    hearth.stop()


# Seeds ---------------------------------------------------------------------------------------------------

@lib.case
def s4_options():
    hearth = lib.Hearth(rooms__autocreate="false", sip__realm=REALM)
    for room in ({"id": "hall"}, {"id": "shut", "locked": True}):
        hearth.api("POST", "/api/v1/rooms", room)
    hearth.api("POST", "/api/v1/users", {"name": "bob", "password": "secret"})
    for user, status, wanted in (("hall", 200, {"Allow": "INVITE", "Accept": "application/sdp", "Supported": "replaces",
                                                "Allow_Events": "conference", "Contact": "isfocus", "body": "m=audio"}),
                                 ("conference-factory", 200, {"Allow": "INVITE"}), (None, 200, {"Allow": "INVITE"}),
                                 ("shut", 486, {}), ("nowhere", 404, {}), ("bob", 480, {})):
        alice = Caller(hearth, user)
        alice.send("OPTIONS", "Accept: application/sdp\n")
        alice.recv(status, dialog=False, **wanted)
        alice.run()
    alice = Caller(hearth, "hall")
    alice.send("INVITE", body=sdp())
    alice.recv(100, optional=True)
    alice.recv(200)
    alice.ack()
    alice.send("OPTIONS")
    alice.recv(200)
    alice.send("BYE")
    alice.recv(200)
    alice.run()
    hearth.stop()


@lib.case
def s9_info():
    hearth = lib.Hearth()
    events = lib.Events(hearth)
    alice = Caller(hearth)
    alice.send("INVITE", body=sdp())
    alice.recv(100, optional=True)
    alice.recv(200)
    alice.ack()
    for headers, kind, body, status, wanted in (
            ("", "application/dtmf-relay", "Signal=7\nDuration=160\n", 200, {}),
            ("", "application/dtmf", "8", 200, {}),
            ("", "application/media_control+xml", "<media_control/>", 200, {}),
            ("", "application/x-unheard-of", "?", 415, {"Accept": "application/dtmf-relay"}),
            ("Info-Package: unheard-of\n", "text/plain", "?", 469, {"Recv_Info": ".*"})):
        alice.send("INFO", headers, body, kind)
        alice.recv(status, **wanted)
    alice.send("BYE")
    alice.recv(200)
    alice.run()
    events.wait("dtmf", digit="7")
    events.wait("dtmf", digit="8")
    stray = Caller(hearth)
    stray.send("INFO", body="Signal=1\n", content_type="application/dtmf-relay")
    stray.recv(481, dialog=False)
    stray.run()
    hearth.stop()


@lib.case
def s10_prack_and_update_called():
    """Hearth rings reliably; PRACK, an early UPDATE, a PRACK of nothing. (The controller's side: test_session.py.)"""
    hearth = lib.Hearth(callback__numbers="9000=lobby;rings=5", callback__allow="@127.0.0.1", callback__delay_s=600)
    alice = Caller(hearth, "9000")
    alice.send("INVITE", "Require: 100rel\n", sdp())
    alice.recv(100, optional=True)
    alice.recv(180, reliable=True, Require="100rel")
    alice.send("PRACK", "RAck: [$rseq] 1 INVITE\n")
    alice.recv(200, dialog=False, CSeq="PRACK")
    alice.send("PRACK", "RAck: [$rseq] 1 INVITE\n")
    alice.recv(481, dialog=False, CSeq="PRACK")
    alice.send("UPDATE")
    alice.recv(200, dialog=False, CSeq="UPDATE")
    alice.cancel()
    alice.recv(200, dialog=False, CSeq="CANCEL")
    alice.recv(487, CSeq="INVITE")
    alice.ack(refused=True)
    alice.run()
    hearth.stop()


@lib.case
def s13_loops():
    hearth = lib.Hearth()
    alice = Caller(hearth)
    alice.send("INVITE", body=sdp(), max_forwards=0)
    alice.recv(483)
    alice.ack(refused=True)
    alice.run()
    # The same request once more, by another path: another branch, all else equal.
    alice = Caller(hearth)
    alice.send("INVITE", body=sdp())
    alice.recv(100, optional=True)
    alice.recv(200)
    alice.in_dialog, alice.cseq = False, 0
    alice.send("INVITE", body=sdp())
    alice.recv(482)
    alice.run()
    hearth.stop()


@lib.case
def s14_transactions():
    """A fifth of what SIPp sends and gets is lost: each side resends what it must, and every call is made and ended once."""
    hearth = lib.Hearth()
    alice = Caller(hearth)
    alice.send("INVITE", body=sdp())
    alice.recv(100, optional=True)
    alice.recv(200)
    alice.ack()
    alice.pause(500)
    alice.send("BYE")
    alice.recv(200)
    alice.run("-m", "60", "-r", "30", "-lost", "20")
    lib.wait_for("nobody is left", lambda: not hearth.connected("lobby"))
    assert hearth.metric("hearth_sip_retransmissions_received_total") > 0
    hearth.stop()


lib.main()
