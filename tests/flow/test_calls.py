#!/usr/bin/python3
"""Two-party calls, and how Join and Replaces make conferences of them (RFC 3725, RFC 3911, RFC 3891)."""
import re
import time

import lib
from dialin import Ear
from parties import Party, all_hear_each_other, no_gap, now, quiet_end, tag_of, witness


def connect(hearth, alice, bob):
    answer = hearth.api("POST", "/api/v1/calls", {"from": alice.uri_of_mine, "to": bob.uri_of_mine})
    assert answer.status == 202, answer.text
    path = answer.headers["Location"]
    lib.wait_for("connected", lambda: hearth.api("GET", path).json["state"] == "connected", 10)
    return path


def version(message):
    return int(re.search(r"^o=\S+ \S+ (\d+)", message.body, re.M).group(1))


@lib.case
def click_to_dial():
    hearth = lib.Hearth()
    alice, bob = Party(hearth, "alice", 440), Party(hearth, "bob", 620)
    connect(hearth, alice, bob)
    all_hear_each_other([alice, bob])
    assert not alice.knows_focus() and not bob.knows_focus(), (alice.contact, bob.contact)
    assert "alice" in bob.requests("INVITE")[0].get("From"), "Bob does not see who calls"
    assert not hearth.api("GET", "/api/v1/rooms").json["rooms"], "a call is no room"
    bob.hang_up()
    lib.wait_for("Alice is rung off", lambda: alice.ended)
    alice.ended = bob.ended = True
    quiet_end(hearth, alice, bob)


def late_call(hearth):
    alice, bob = Party(hearth, "alice", 440), Party(hearth, "bob", 620, manner="early")
    answer = hearth.api("POST", "/api/v1/calls",
                        {"from": alice.uri_of_mine, "to": bob.uri_of_mine, "late_offer": True})
    assert answer.status == 202, answer.text
    lib.wait_for("Bob's offer is answered", lambda: bob.requests("PRACK"))
    return alice, bob, answer.headers["Location"]


@lib.case
def controller_with_ringback():
    """S10: Alice on hold, Bob without a description, his offer in a reliable 180, the answer in PRACK, UPDATE to Alice,
    ringing from the mixer until Bob is there."""
    hearth = lib.Hearth()
    alice, bob, path = late_call(hearth)
    first = alice.requests("INVITE")[0]
    assert "a=inactive" in first.body and "isfocus" not in first.get("Contact"), first.body
    asked = bob.requests("INVITE")[0]
    assert not asked.body and asked.get("Content-Length") == "0", asked.body
    assert "100rel" in asked.get("Supported"), asked.fields
    prack = bob.requests("PRACK")[0]
    assert prack.get("RAck") == f"1 {asked.get('CSeq')}", prack.fields
    assert prack.get("Content-Type") == "application/sdp" and " RTP/AVP 0" in prack.body, prack.body
    update = lib.wait_for("Alice is told", lambda: alice.requests("UPDATE"))[0]
    assert update.get("Reason") == "SIP;cause=180", update.fields
    assert "a=inactive" not in update.body and version(update) == version(first) + 1, update.body
    assert update.rtp() == first.rtp() and update.get("Call-ID") == first.get("Call-ID"), update.body
    assert len(alice.requests("INVITE")) == 1, "a re-INVITE in place of UPDATE"
    Ear(alice, 0).wait_tone(425, 500)
    bob.pick_up()
    lib.wait_for("connected", lambda: hearth.api("GET", path).json["state"] == "connected", 10)
    all_hear_each_other([alice, bob])
    lib.hears_not(alice, 425)
    assert len(alice.requests("UPDATE")) == 1
    quiet_end(hearth, alice, bob)


@lib.case
def what_bob_plays_stops_the_ringing():
    """Early media (RFC 3960 3.2): what comes from Bob before he answers is heard in place of our ringing."""
    hearth = lib.Hearth()
    alice, bob, _ = late_call(hearth)
    Ear(alice, 0).wait_tone(425, 500)
    bob.rtp.start(bob.agreed)
    lib.wait_for("she hears Bob", lambda: alice.hears(bob))
    lib.hears_not(alice, 425)
    alice.hang_up()
    lib.wait_for("Bob's phone stops", lambda: bob.ended)
    alice.ended = True
    quiet_end(hearth, alice, bob)


@lib.case
def busy_second_party_ends_the_call():
    hearth = lib.Hearth()
    events = lib.Events(hearth)
    alice, bob = Party(hearth, "alice"), Party(hearth, "bob", manner="busy")
    hearth.api("POST", "/api/v1/calls", {"from": alice.uri_of_mine, "to": bob.uri_of_mine})
    ended = events.wait("call.ended")
    assert ended["cause"] == "busy" and ended["status"] == 486, ended
    lib.wait_for("Alice is rung off", lambda: alice.ended)
    bob.ended = True
    quiet_end(hearth, alice, bob)


@lib.case
def join_mixed_locally():
    """S1: header by header, with sound before, through and after."""
    hearth = lib.Hearth(mixer__workers=1)
    events = lib.Events(hearth)
    aside = witness(hearth)
    alice, bob, carol = (Party(hearth, name, hz) for name, hz in (("alice", 440), ("bob", 620), ("carol", 910)))
    connect(hearth, alice, bob)
    all_hear_each_other([alice, bob])
    before = {p.name: p.requests("INVITE")[-1] for p in (alice, bob)}
    began = now()
    answer = carol.call(f"sip:bob@{hearth.host}", f"Supported: replaces, join\r\nJoin: {alice.naming()}\r\n")
    assert answer.status == 200 and carol.knows_focus(), answer.fields
    assert "join" in answer.get("Supported"), answer.fields
    conference = answer.contact_uri()
    assert re.match(r"sip:conf-[a-z2-7]{12}@", conference), conference
    for party in (alice, bob):
        assert party.invites == 2, f"{party.name}: {party.invites} INVITEs"
        again = party.requests("INVITE")[-1]
        first = before[party.name]
        assert again.contact_uri() == conference and party.knows_focus(), again.fields
        assert again.get("Call-ID") == first.get("Call-ID") and ";tag=" in again.get("To"), again.fields
        assert version(again) == version(first) + 1, again.body
        assert again.rtp() == first.rtp(), "the media address changed"
    ringing = [m for way, m in carol.seen if m.status == 180]
    assert ringing and ringing[0].contact_uri() == conference and "isfocus" in ringing[0].get("Contact")
    all_hear_each_other([alice, bob, carol])
    no_gap(aside, began, alice, bob)
    aside.bye()
    ended = events.wait("call.ended")
    assert ended["cause"] == "conference", ended
    room = conference[4:].split("@")[0]
    hearth.wait_connected(room, 3)
    alice.hang_up()
    lib.wait_for("she has left", lambda: len(hearth.connected(room)) == 2)
    time.sleep(0.5)
    assert len(hearth.connected(room)) == 2 and not bob.ended and not carol.ended
    alice.ended = True
    quiet_end(hearth, alice, bob, carol)


@lib.case
def join_that_is_refused_changes_nothing():
    for options, wanted, made_up in (({}, 481, True), ({"focus__join": "off"}, 486, False)):
        hearth = lib.Hearth(**options)
        alice, bob, carol = (Party(hearth, name, hz) for name, hz in (("alice", 440), ("bob", 620), ("carol", 910)))
        connect(hearth, alice, bob)
        naming = "nothing@here;to-tag=a;from-tag=b" if made_up else alice.naming()
        assert carol.call(f"sip:bob@{hearth.host}", f"Join: {naming}\r\n").status == wanted
        all_hear_each_other([alice, bob])
        assert alice.invites == bob.invites == 1
        carol.ended = True
        quiet_end(hearth, alice, bob, carol)


@lib.case
def coach_is_heard_by_one():
    """RFC 3911 1: who joins may listen only, or whisper to the party whose dialog it names, as it asks and policy allows."""
    hearth = lib.Hearth(focus__join_choice="listen, coach")
    alice, bob, carol = (Party(hearth, name, hz) for name, hz in (("alice", 440), ("bob", 620), ("carol", 910)))
    connect(hearth, alice, bob)
    loud = Party(hearth, "loud", 1200)
    assert loud.call(f"sip:bob@{hearth.host};join-mode=talk", f"Join: {alice.naming()}\r\n").status == 403
    answer = carol.call(f"sip:bob@{hearth.host};join-mode=coach", f"Join: {alice.naming()}\r\n")
    assert answer.status == 200, answer.start
    room = answer.contact_uri()[4:].split("@")[0]
    lib.wait_for("Alice hears her coach", lambda: alice.hears(carol) and alice.hears(bob))
    lib.wait_for("Carol hears both", lambda: carol.hears(alice) and carol.hears(bob))
    lib.wait_for("Bob hears Alice", lambda: bob.hears(alice))
    lib.hears_not(bob, carol.hz)
    path = f"/api/v1/rooms/{room}/participants"
    people = {p["uri"][4:].split("@")[0]: p for p in hearth.participants(room)}
    assert people["carol"]["coaches"] == people["alice"]["id"] and people["bob"]["coaches"] is None, people
    carols = f"{path}/{people['carol']['id']}"
    assert hearth.api("PATCH", carols, {"mode": "coach", "coaches": people["bob"]["id"]}).json["coaches"] == people["bob"]["id"]
    lib.wait_for("Bob hears her now", lambda: bob.hears(carol))
    lib.hears_not(alice, carol.hz)
    for wrong in ({"mode": "coach"}, {"mode": "coach", "coaches": "nobody"}, {"mode": "shout"},
                  {"mode": "coach", "coaches": people["carol"]["id"]}):
        assert hearth.api("PATCH", carols, wrong).status == 422, wrong
    assert hearth.api("PATCH", carols, {"mode": "listen"}).json["muted"] is True
    lib.hears_not(alice, carol.hz)
    lib.hears_not(bob, carol.hz)
    assert hearth.api("PATCH", carols, {"mode": "talk"}).json["muted"] is False
    all_hear_each_other([alice, bob, carol])
    dave = Party(hearth, "dave", 770)
    answer = hearth.api("POST", path, {"uri": dave.uri_of_mine, "mode": "coach", "coaches": people["bob"]["id"]})
    assert answer.status == 202 and answer.json["coaches"] == people["bob"]["id"], answer.text
    lib.wait_for("Bob hears Dave", lambda: bob.hears(dave) and dave.hears(alice))
    lib.hears_not(alice, dave.hz)
    quiet_end(hearth, alice, bob, carol, dave)


@lib.case
def replaces_takes_the_seat():
    hearth = lib.Hearth()
    alice, bob, carol = (Party(hearth, name, hz) for name, hz in (("alice", 440), ("bob", 620), ("carol", 910)))
    connect(hearth, alice, bob)
    assert carol.call(f"sip:bob@{hearth.host}", f"Replaces: {bob.naming()}\r\n").status == 200
    lib.wait_for("Bob is rung off", lambda: bob.ended)
    assert "cause=200" in bob.requests("BYE")[0].get("Reason")
    all_hear_each_other([alice, carol])
    quiet_end(hearth, alice, bob, carol)


@lib.case
def replaces_of_what_rings():
    """RFC 3891 3: a call of ours that rings may be picked up; one that has been answered not, where early-only is asked for; and
    never one that the other side makes and we have not answered."""
    hearth = lib.Hearth(callback__numbers="9000=lobby;rings=20", callback__allow="@127.0.0.1")
    alice, bob, carol = Party(hearth, "alice", 440), Party(hearth, "bob", 620, manner="ring"), Party(hearth, "carol", 910)
    assert alice.call(f"sip:lobby@{hearth.host}").status == 200
    hearth.api("POST", "/api/v1/rooms/lobby/participants", {"uri": bob.uri_of_mine})
    lib.wait_for("Bob rings", lambda: bob.dialog and any(p["state"] == "alerting" for p in hearth.participants("lobby")))
    assert carol.call(f"sip:lobby@{hearth.host}", f"Replaces: {bob.naming()};early-only\r\n").status == 200
    lib.wait_for("Bob's phone stops", lambda: bob.ended)
    all_hear_each_other([alice, carol])
    lib.wait_for("he is in no roster", lambda: len(hearth.participants("lobby")) == 2)
    dave = Party(hearth, "dave", 770)
    assert dave.call(f"sip:lobby@{hearth.host}", f"Replaces: {alice.naming()};early-only\r\n").status == 486
    calls = Party(hearth, "erin", 300)
    calls.uri, calls.is_caller = f"sip:9000@{hearth.host}", True
    calls.send(calls.request("INVITE", calls.uri, body=calls.sdp()))
    rings = lib.wait_for("it rings here", lambda: [m for way, m in list(calls.seen) if m.status == 180])[0]
    calls.dialog = (calls.call_id, tag_of(rings.get("To")), calls.tag)
    for late in (Party(hearth, "frank"), Party(hearth, "grace")):  # the same again: it has not been touched
        assert late.call(f"sip:bob@{hearth.host}", f"Replaces: {calls.naming()}\r\n").status == 481
    all_hear_each_other([alice, carol])
    calls.send(calls.request("CANCEL", calls.uri, cseq=calls.cseq, branch=calls.invite_branch))
    lib.wait_for("it is taken back", lambda: any(m.status == 487 for m in list(calls.finals)))
    quiet_end(hearth, alice, carol)


@lib.case
def join_and_replaces_of_what_is_over():
    """603, as RFC 3911 4 and RFC 3891 3 have it: nothing is made for who comes too late."""
    hearth = lib.Hearth()
    alice, bob = Party(hearth, "alice", 440), Party(hearth, "bob", 620)
    connect(hearth, alice, bob)
    bob.hang_up()
    lib.wait_for("Alice is rung off", lambda: alice.ended)
    lib.wait_for("the call is over", lambda: not hearth.api("GET", "/api/v1/calls").json["calls"])
    for header in ("Join", "Replaces"):
        late = Party(hearth, "late", 910)
        assert late.call(f"sip:bob@{hearth.host}", f"{header}: {alice.naming()}\r\n").status == 603, header
    alice.ended = bob.ended = True
    quiet_end(hearth, alice, bob)


@lib.case
def callees_that_send_on_to_each_other():
    """302 in a circle, to the conference itself and to too many: each is called once, and the caller is told."""
    hearth = lib.Hearth()
    events = lib.Events(hearth)
    alice = Party(hearth, "alice", 440)
    assert alice.call(f"sip:lobby@{hearth.host}").status == 200
    ring = [Party(hearth, name) for name in ("bob", "carol", "dave")]
    for party, following in zip(ring, ring[1:] + ring[:1]):
        party.sends_on_to = (following.uri_of_mine, f"sip:lobby@{hearth.host}")
    called = hearth.api("POST", "/api/v1/rooms/lobby/participants", {"uri": ring[0].uri_of_mine}).json["id"]
    left = events.wait("participant.left", 20, participant_id=called)
    assert left["cause"] == "redirected" and left["status"] == 302, left
    assert [party.invites for party in ring] == [1, 1, 1], [party.invites for party in ring]
    assert [p["id"] for p in hearth.participants("lobby")] == [hearth.connected("lobby")[0]["id"]]
    busy = Party(hearth, "erin", manner="busy")
    ring[0].sends_on_to = (busy.uri_of_mine,)
    called = hearth.api("POST", "/api/v1/rooms/lobby/participants", {"uri": ring[0].uri_of_mine}).json["id"]
    assert events.wait("participant.left", 20, participant_id=called)["cause"] == "busy"
    quiet_end(hearth, alice)


@lib.case
def party_hangs_up_while_the_other_rings():
    hearth = lib.Hearth()
    alice, bob = Party(hearth, "alice"), Party(hearth, "bob", manner="ring")
    hearth.api("POST", "/api/v1/calls", {"from": alice.uri_of_mine, "to": bob.uri_of_mine})
    lib.wait_for("Bob rings", lambda: bob.invites == 1)
    time.sleep(0.3)
    alice.hang_up()
    lib.wait_for("Bob's phone stops", lambda: bob.ended)
    alice.ended = True
    quiet_end(hearth, alice, bob)


lib.main()
