#!/usr/bin/python3
"""The owner's call flows S1 and S2 message by message: which ones there are, in which order, and what each must carry."""
import re

import lib
from certificates import client, hearth_with_tls
from parties import Party, all_hear_each_other, quiet_end, register, tag_of


def tags(message):
    return tag_of(message.get("From")), tag_of(message.get("To"))


def version(message):
    return int(re.search(r"^o=\S+ \S+ (\d+)", message.body, re.M).group(1))


def carries(name, message, **wanted):
    """Every message has what RFC 3261 8.1.1 and 8.2.6.2 ask for, and the fields that are named: text that must be in
    them, or None for a field that must not be there."""
    for field in ("Via", "From", "To", "Call-ID", "CSeq", "Content-Length"):
        assert len(message.all(field)) == 1, f"{name}: {field}: {message.all(field)}"
    assert int(message.get("Content-Length")) == len(message.body.encode()), f"{name}: Content-Length"
    assert ";branch=z9hG4bK" in message.get("Via"), f"{name}: {message.get('Via')}"
    assert ";tag=" in message.get("From"), f"{name}: {message.get('From')}"
    if message.method:
        assert message.get("Max-Forwards") == "70", f"{name}: Max-Forwards {message.get('Max-Forwards')}"
        assert message.get("CSeq").endswith(" " + message.method), f"{name}: {message.get('CSeq')}"
    for field, text in wanted.items():
        value = ", ".join(message.all(field.replace("_", "-")))
        if text is None:
            assert not value, f"{name}: {field}: {value}"
        else:
            assert text in value, f"{name}: {field} is {value!r}, without {text!r}"


def answers(name, response, request, status):
    """A response belongs to its request."""
    assert response.status == status, f"{name}: {response.start}"
    for field in ("From", "Call-ID", "CSeq"):
        assert response.get(field) == request.get(field), f"{name}: {field}"
    assert response.get("Via").split("branch=")[1].split(";")[0] == request.get("Via").split("branch=")[1], f"{name}: Via"


def in_the_dialog(name, message, ours, theirs, call_id):
    """A request of Hearth's in a dialog of this phone."""
    assert message.get("Call-ID") == call_id and tags(message) == (theirs, ours), f"{name}: not in the dialog"


def has_no_focus(name, message):
    assert "isfocus" not in message.get("Contact").lower(), f"{name}: {message.get('Contact')}"


@lib.case
def s1_join_mixed_locally():
    """RFC 3911 8.2, F1 to F11, over TLS. Hearth is Bob, whose phone stands behind it."""
    hearth = hearth_with_tls(sip__registrar="open", sip__auth="off")
    at = f"127.0.0.1:{hearth.tls_port};transport=tls"
    bob = Party(hearth, "bob", 620)
    register(hearth, bob)
    alice, carol = (Party(hearth, name, hz, transport="tls", context=client()) for name, hz in (("alice", 440), ("carol", 910)))
    assert alice.call(f"sip:bob@{at}", "Supported: replaces\r\n").status == 200
    all_hear_each_other([alice, bob])
    call_id, theirs, ours = alice.dialog
    invite, ringing, ok = alice.message(">INVITE"), alice.message("<180"), alice.message("<200")
    for name, response, status in (("F2", ringing, 180), ("F3", ok, 200)):
        answers(name, response, invite, status)
        carries(name, response, To=f"sip:bob@{at.split(';')[0]}", Contact="<sip:bob@")
        has_no_focus(name, response)
        assert tag_of(response.get("To")) == theirs, f"{name}: another To tag"
    carries("F3", ok, Supported="replaces", Allow="INVITE", Content_Type="application/sdp")
    for option in ("join", "gruu"):
        carries("F3", ok, Supported=option)
    # F5 to F11.
    joined = carol.call(f"sip:bob@{at}", f"Supported: replaces, join\r\nJoin: {alice.naming()}\r\n")
    assert joined.status == 200, joined.start
    all_hear_each_other([alice, bob, carol])
    f5, f6, f10 = carol.message(">INVITE"), carol.message("<180"), carol.message("<200")
    mixer = f10.contact_uri()
    assert re.match(rf"sip:conf-[a-z2-7]{{12}}@127\.0\.0\.1:{hearth.tls_port};transport=tls$", mixer), mixer
    answers("F6", f6, f5, 180)
    answers("F10", f10, f5, 200)
    for name, response in (("F6", f6), ("F10", f10)):
        carries(name, response, Contact=f"<{mixer}>;isfocus", To=";tag=")
    carries("F10", f10, Supported="join", Content_Type="application/sdp", Allow="REFER")
    f7 = alice.message("<INVITE")
    in_the_dialog("F7", f7, ours, theirs, call_id)
    carries("F7", f7, Contact=f"<{mixer}>;isfocus", Content_Type="application/sdp", Supported="replaces", Join=None, Replaces=None)
    assert version(f7) == version(ok) + 1, f"F7: o= {version(ok)} then {version(f7)}"
    assert f7.body.split("\r\n")[1].split()[1] == ok.body.split("\r\n")[1].split()[1], "F7: another session"
    assert f7.rtp() == ok.rtp(), "F7: the same media goes on"
    f9 = alice.message("<ACK")
    in_the_dialog("F9", f9, ours, theirs, call_id)
    carries("F9", f9)
    assert f9.get("CSeq").split()[0] == f7.get("CSeq").split()[0] and not f9.body, f9.fields
    assert alice.ladder() == [">INVITE", "<180", "<200", ">ACK", "<INVITE", ">200", "<ACK"], alice.ladder()
    assert carol.ladder() == [">INVITE", "<180", "<200", ">ACK"], carol.ladder()
    quiet_end(hearth, alice, bob, carol)


@lib.case
def s2_hearth_is_b():
    """RFC 3911 8.1, *1 to *12: B hands its call over. What it says to the factory, to A and to C."""
    port = lib.free_port()
    hearth = lib.Hearth(sip__registrar="open", focus__central_factory=f"sip:conf-factory@127.0.0.1:{port}")
    conf = Party(hearth, "conf", 300, port=port)
    conf.contact_user, conf.contact_params = "conf-77", ";isfocus"
    conference = f"sip:conf-77@127.0.0.1:{port};transport=udp"
    bob, c, a = (Party(hearth, name, hz) for name, hz in (("bob", 620), ("cecil", 440), ("anna", 910)))
    register(hearth, bob)
    bob.only_says = c.only_says = 200
    assert c.call(f"sip:bob@{hearth.host}").status == 200                                   # *1 to *3
    has_no_focus("*2", c.message("<200"))
    lib.wait_for("they talk", lambda: c.hears(bob) and bob.hears(c))
    answer = a.call(f"sip:bob@{hearth.host}", f"Join: {c.naming()}\r\n")                     # *4
    f5 = conf.message("<INVITE")
    carries("*5", f5, Contact=";isfocus", Content_Type="application/sdp", Join=None, Supported="replaces", To="conf-factory@")
    assert f5.start == f"INVITE sip:conf-factory@127.0.0.1:{port} SIP/2.0", f5.start
    assert ";tag=" not in f5.get("To"), f5.get("To")
    f7 = a.message("<302")
    answers("*7", f7, a.message(">INVITE"), 302)
    carries("*7", f7, Contact=f"<{conference}>;isfocus", To=";tag=")
    assert answer.status == 302 and a.ladder() == [">INVITE", "<302", ">ACK"], a.ladder()
    for party in (c, bob):
        lib.wait_for("BYE", lambda p=party: p.ended)
        f10 = party.message("<REFER")
        call_id, theirs, ours = party.dialog
        in_the_dialog("*10", f10, ours, theirs, call_id)
        carries("*10", f10, Refer_To=f"<{conference}>", Referred_By="<sip:conf-", Contact="sip:")
        assert "seat=" not in f10.get("Refer-To"), "this focus is no Hearth"
        rungs = party.ladder("INVITE", "180", "ACK")
        assert rungs[rungs.index("<REFER"):] == ["<REFER", ">202", ">NOTIFY", "<200", ">NOTIFY", "<200", "<BYE", ">200"] or \
            rungs[rungs.index("<REFER"):] == ["<REFER", ">202", ">NOTIFY", ">NOTIFY", "<200", "<200", "<BYE", ">200"], rungs
        carries("BYE", party.message("<BYE"), Reason="SIP;cause=302")
        assert len(party.requests("INVITE")) == (party is bob), "nobody mixes here: no re-INVITE"
    lib.wait_for("the bridge goes when nobody is left", lambda: conf.ended)
    for party in (bob, c, a):
        party.ended = True
    quiet_end(hearth)


@lib.case
def s2_hearth_is_conf():
    """*5 to *12 as the central mixer sees them: B, A and C are phones."""
    hearth = lib.Hearth(rooms__grace_s="1")
    b, a, c = (Party(hearth, name, hz) for name, hz in (("bob", 300), ("anna", 910), ("cecil", 440)))
    f6 = b.call(f"sip:conf-factory@{hearth.host}")                                          # *5, *6
    answers("*6", b.message("<200"), b.message(">INVITE"), 200)
    conference = f6.contact_uri()
    carries("*6", f6, Contact=f"<{conference}>;isfocus", Supported="join", Allow="REFER", Allow_Events="conference", To=";tag=")
    assert re.match(rf"sip:conf-[a-z2-7]{{12}}@{hearth.host}$", conference), conference
    # *8: as A was sent on by 302: B's To, its own Call-ID and From tag, CSeq + 1, the Join that names no dialog here.
    a.to, a.cseq = "<sip:bob@b.example>", 1
    f9 = a.call(conference, "Join: 7@c;to-tag=xyz;from-tag=pdq\r\n")
    answers("*9", f9, a.message(">INVITE"), 200)
    carries("*9", f9, Contact=f"<{conference}>;isfocus", To="<sip:bob@b.example>;tag=", CSeq="2 INVITE")
    f12 = c.call(conference, "Referred-By: <sip:bob@b.example>\r\n")                          # *11, *12
    answers("*12", f12, c.message(">INVITE"), 200)
    carries("*12", f12, Contact=f"<{conference}>;isfocus", To=";tag=")
    people = {p["uri"].split("@")[0]: p for p in hearth.connected(conference[4:].split("@")[0])}
    assert people["sip:cecil"]["referred_by"] == "sip:bob@b.example" and people["sip:anna"]["referred_by"] is None, people
    all_hear_each_other([a, b, c])
    b.hang_up()
    lib.wait_for("B has left", lambda: len(hearth.connected(conference[4:].split("@")[0])) == 2)
    all_hear_each_other([a, c])
    b.ended = True
    for party in (b, a, c):
        assert party.ladder("BYE")[:3] == [">INVITE", "<200", ">ACK"], party.ladder()
    # Nor does a Join to a conference that is gone save it: the Request-URI decides.
    late = Party(hearth, "late")
    gone = conference.replace(conference[4:].split("@")[0], "conf-aaaaaaaaaaaa")
    assert late.call(gone, "Join: 7@c;to-tag=xyz;from-tag=pdq\r\n").status == 481
    quiet_end(hearth, a, c)


lib.main()
