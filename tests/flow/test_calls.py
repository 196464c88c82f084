#!/usr/bin/python3
"""Two-party calls, and how Join and Replaces make conferences of them (RFC 3725, RFC 3911, RFC 3891)."""
import re
import time

import lib
from parties import Party, all_hear_each_other, now, quiet_end


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
    hearth = lib.Hearth()
    events = lib.Events(hearth)
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
    for party in (alice, bob):
        gap = party.longest_gap(began)
        assert gap < 0.2, f"{party.name} heard nothing for {gap:.3f} s"
    ended = events.wait("call.ended")
    assert ended["cause"] == "conference", ended
    room = conference[4:].split("@")[0]
    assert len(hearth.connected(room)) == 3
    alice.hang_up()
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
