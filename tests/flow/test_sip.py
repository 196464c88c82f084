#!/usr/bin/python3
"""SIP as a phone sees it: methods, refusals, holds, races, sloppy messages."""
import os
import re
import time

import lib


def ask(hearth, method, user="lobby", **more):
    phone = lib.Phone(hearth)
    phone.uri = f"sip:{user}@{hearth.host}"
    phone.send(phone.request(method, phone.uri, **more))
    return phone.final()


@lib.case
def options_answers_as_an_invite_would_be():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "hall"})
    hearth.api("POST", "/api/v1/rooms", {"id": "shut", "locked": True})
    hearth.api("POST", "/api/v1/rooms", {"id": "small", "max_participants": 1})
    assert lib.Phone(hearth).invite("small").status == 200
    free = ask(hearth, "OPTIONS", "hall")
    assert free.status == 200 and "isfocus" in free.get("Contact"), free.fields
    for field, token in (("Allow", "INVITE"), ("Accept", "application/sdp")):
        assert token in ", ".join(free.all(field)), (field, free.fields)
    assert free.all("Supported") is not None
    assert ask(hearth, "OPTIONS", "conference-factory").status == 200
    assert ask(hearth, "OPTIONS", "shut").status == 486
    assert ask(hearth, "OPTIONS", "small").status == 486
    hearth.stop()
    hearth = lib.Hearth(rooms__autocreate="false")
    assert ask(hearth, "OPTIONS", "nowhere").status == 404
    hearth.stop()


# Max-Forwards 0 stops a proxy; an endpoint answers as ever (RFC 4475 3.3.11).
@lib.case
def refusals():
    hearth = lib.Hearth()
    long_ago = lib.Phone(hearth)
    for method, more, status in (
            ("FROBNICATE", {}, 501), ("PUBLISH", {}, 405), ("BYE", {"to": "<sip:a@b>;tag=gone"}, 481),
            ("CANCEL", {}, 481), ("OPTIONS", {"max_forwards": 0}, 200),
            ("OPTIONS", {"headers": "Require: frobnication\r\n"}, 420),
            ("INVITE", {"body": "hello", "content_type": "text/plain"}, 415),
            ("INVITE", {"body": "v=0\r\nthis is not SDP\r\n"}, 400),
            ("INVITE", {"body": long_ago.sdp().replace("RTP/AVP 0 101", "RTP/AVP 18")}, 488),
            ("INVITE", {"headers": "Require: frobnication\r\n", "body": long_ago.sdp()}, 420)):
        answer = ask(hearth, method, **more)
        assert answer.status == status, f"{method} {more}: {answer.start}, {status} is due"
        if status == 420:
            assert "frobnication" in answer.get("Unsupported"), answer.fields
        if status in (405, 501):
            assert status == 501 or "INVITE" in answer.get("Allow"), answer.fields
        if status == 415:
            assert "application/sdp" in answer.get("Accept"), answer.fields
    assert hearth.api("GET", "/api/v1/rooms").json["rooms"] == [], "a refused call left a room"
    hearth.stop()


@lib.case
def merged_request_is_482():
    hearth = lib.Hearth()
    one, other = lib.Phone(hearth), lib.Phone(hearth)
    one.uri = f"sip:lobby@{hearth.host}"
    first = one.request("INVITE", one.uri, body=one.sdp())
    one.send(first)
    other.send(re.sub(r"branch=\S+", "branch=z9hG4bKother" + os.urandom(3).hex(), first).replace(f"127.0.0.1:{one.port};rport", f"127.0.0.1:{other.port};rport"))
    assert one.final().status == 200
    assert other.final().status == 482
    hearth.stop()


@lib.case
def cancel_that_crosses_the_200_leaves_the_call():
    hearth = lib.Hearth()
    phone = lib.Phone(hearth)
    answer = phone.invite("lobby")
    assert answer.status == 200
    to = phone.to
    phone.send(phone.request("CANCEL", phone.uri, cseq=1, branch=phone.invite_branch, to=f"<{phone.uri}>"))
    assert phone.final().status in (200, 481)  # 481 once the transaction has gone (RFC 6026 keeps it: 200)
    phone.to = to
    hearth.wait_connected("lobby", 1)
    assert phone.bye().status == 200
    hearth.stop()


@lib.case
def a_200_is_repeated_until_the_ack_and_given_up_with_a_bye():
    hearth = lib.Hearth()
    phone = lib.Phone(hearth)
    phone.uri = f"sip:lobby@{hearth.host}"
    phone.send(phone.request("INVITE", phone.uri, body=phone.sdp()))
    first = phone.final()
    second, third = phone.final(3), phone.final(4)
    assert first.status == second.status == third.status == 200
    assert first.get("To") == third.get("To")
    phone.ack(third)
    lib.wait_for("the ACK has come", lambda: hearth.connected("lobby"))
    assert phone.receive(0.2) is None
    before = phone.repeats
    assert phone.receive(3) is None and phone.repeats == before, "the 200 came again after the ACK"
    assert phone.bye().status == 200
    hearth.stop()


# Seeds S14: timer G runs over UDP only (RFC 3261 17.2.1), until the ACK; a copy of the INVITE behind it is no news.
@lib.case
def a_refusal_is_repeated_over_udp_until_the_ack():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "shut", "locked": True})
    uri = f"sip:shut@{hearth.host}"

    def ask_options(phone):
        phone.send(phone.request("OPTIONS", f"sip:lobby@{hearth.host}", to=f"<sip:lobby@{hearth.host}>"))

    phones = {transport: lib.Phone(hearth, transport, transport) for transport in ("tcp", "udp")}
    invites = {}
    for transport, phone in phones.items():
        phone.uri = uri
        invites[transport] = phone.request("INVITE", uri, body=phone.sdp())
        phone.send(invites[transport])
        assert phone.final().status == 486
    udp = phones["udp"]
    copies = [udp.final(), udp.final()]
    assert [copy.status for copy in copies] == [486, 486]
    ask_options(phones["tcp"])
    assert "OPTIONS" in phones["tcp"].receive(8 * lib.PATIENCE).get("CSeq"), "a copy over TCP"
    udp.ack(copies[-1])
    ask_options(udp)
    udp.final(cseq=udp.cseq)  # nothing of before the ACK is on its way any more
    udp.send(invites["udp"])
    ask_options(udp)
    assert "OPTIONS" in udp.receive(8 * lib.PATIENCE).get("CSeq"), "an answer behind the ACK"
    hearth.stop()


@lib.case
def hold_and_resume():
    hearth = lib.Hearth()
    anna, bert = (lib.Phone(hearth, name, samples=lib.tone(hz, 1)) for name, hz in (("anna", 440), ("bert", 700)))
    for phone in (anna, bert):
        assert phone.invite("lobby").status == 200
    for direction, address, answered in (("sendonly", "127.0.0.1", "recvonly"), ("inactive", "127.0.0.1", "inactive"),
                                         ("sendrecv", "0.0.0.0", None)):
        anna.send(anna.request("INVITE", anna.target, body=anna.sdp(direction, address=address, version=anna.cseq + 2)))
        held = anna.final(cseq=anna.cseq)
        assert held.status == 200, held.start
        anna.ack(held)
        assert answered is None or f"a={answered}" in held.body, (direction, held.body)
        lib.wait_for("on hold", lambda: any(p["state"] == "on-hold" for p in hearth.participants("lobby")))
        lib.hears_not(bert, 440, below=50)
        anna.send(anna.request("INVITE", anna.target, body=anna.sdp(version=anna.cseq + 2)))
        anna.ack(anna.final(cseq=anna.cseq))
        lib.hears(bert, 440, above=2500)
    hearth.stop()


@lib.case
def late_offer():
    hearth = lib.Hearth()
    bert = lib.Phone(hearth, "bert", samples=lib.tone(700, 1))
    assert bert.invite("lobby").status == 200
    anna = lib.Phone(hearth, "anna", samples=lib.tone(440, 1))
    anna.uri = f"sip:lobby@{hearth.host}"
    anna.send(anna.request("INVITE", anna.uri))
    answer = anna.final()
    assert answer.status == 200 and "m=audio" in answer.body, answer.start
    anna.to, anna.target = answer.get("To"), answer.contact_uri()
    anna.send(anna.request("ACK", anna.target, body=anna.sdp(), cseq=1))
    anna.rtp.start(answer.rtp())
    lib.hears(bert, 440, above=2500)
    lib.hears(anna, 700, above=2500)
    assert anna.bye().status == 200
    hearth.stop()


@lib.case
def sloppy_messages_of_real_phones():
    hearth = lib.Hearth()
    phone = lib.Phone(hearth)
    sdp = phone.sdp()
    text = (f"INVITE sip:lobby@{hearth.host} SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=old-style-1\r\n"
            f"f: \"A; B\" <sip:sloppy@127.0.0.1>;tag=xyz\r\nt: sip:lobby@{hearth.host}\r\nCall-Id: sloppy-1\r\nCSEQ:   7\r\n  INVITE\r\n"
            f"m: sip:sloppy@127.0.0.1:{phone.port};isFocus\r\nc: application/sdp\r\nl: {len(sdp)}\r\n\r\n{sdp}")
    phone.send(text)
    answer = phone.final()
    assert answer.status == 200, answer.start
    to, target = answer.get("To"), answer.contact_uri()
    phone.send(f"ACK {target} SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=old-style-2\r\nf: \"A; B\" <sip:sloppy@127.0.0.1>;tag=xyz\r\n"
               f"t: {to}\r\ni: sloppy-1\r\nCSeq: 7 ACK\r\nl: 0\r\n\r\n")
    lib.wait_for("connected", lambda: len(hearth.connected("lobby")) == 1)
    bad = lib.Phone(hearth)
    bad.send(bad.request("OPTIONS", f"sip:lobby@{hearth.host}", to="<bob@example.org>"))
    refused = bad.final()
    assert refused.status == 400 and "To" in refused.start + refused.get("Warning"), refused.fields
    hearth.stop()


@lib.case
def tcp_in_pieces_and_two_at_once():
    hearth = lib.Hearth()
    phone = lib.Phone(hearth, transport="tcp")
    phone.uri = f"sip:lobby@{hearth.host}"
    invite = phone.request("INVITE", phone.uri, body=phone.sdp()).encode()
    phone.send(b"\r\n\r\n")
    for at in range(0, len(invite), 37):
        phone.send(invite[at:at + 37])
        time.sleep(0.002)
    answer = phone.final()
    assert answer.status == 200, answer.start
    phone.ack(answer)
    options = phone.request("OPTIONS", phone.target) + phone.request("OPTIONS", phone.target)
    phone.send(options)
    assert phone.final().status == 200 and phone.final().status == 200
    assert phone.bye().status == 200
    hearth.stop()


@lib.case
def who_is_turned_away_is_logged_with_the_room():
    hearth = lib.Hearth(rooms__participants_max=1)
    hearth.api("POST", "/api/v1/rooms", {"id": "closed", "locked": True})
    hearth.api("POST", "/api/v1/rooms", {"id": "small"})
    assert lib.Phone(hearth).invite("small").status == 200
    for user, status, said in (("closed", 486, "info call.rejected room=closed "), ("small", 486, "warn call.rejected room=small "),
                               ("conf-aaaaaaaaaaaa", 404, "info call.rejected room=conf-aaaaaaaaaaaa "),
                               ("a%20b", 404, "info call.rejected room=- ")):
        assert lib.Phone(hearth).invite(user).status == status, user
        lib.wait_for(f"{said} is in the log", lambda: said in hearth.log_text())
    hearth.stop()


@lib.case
def foreign_domain_is_not_ours():
    hearth = lib.Hearth(sip__domains="hearth.example")
    phone = lib.Phone(hearth)
    answer = phone.invite(None, uri="sip:lobby@elsewhere.example")
    assert answer.status == 404, answer.start
    assert lib.Phone(hearth).invite(None, uri="sip:lobby@hearth.example").status == 200
    hearth.stop()


lib.main()
