#!/usr/bin/python3
"""Conferences and calls that move from one Hearth to another (RFC 3911 8.1, RFC 4579), with sound."""
import re

import lib
from parties import Party, all_hear_each_other, quiet_end


def pair(**options):
    """Two servers; what the first hands over goes to the factory of the second."""
    there = lib.Hearth(rooms__grace_s="1")
    here = lib.Hearth(rooms__grace_s="1", **{key: value.format(there=there.host) for key, value in options.items()})
    return here, there


def talk(here, there, names=(("alice", 440), ("bob", 620))):
    parties = [Party(here, name, hz) for name, hz in names]
    for party in parties:
        party.knows = [here, there]
    return parties


@lib.case
def join_moved_to_central():
    """S2, header by header: here is B, there is conf."""
    here, there = pair(focus__central_factory="sip:conf-factory@{there}")
    alice, bob = talk(here, there)
    carol = Party(here, "carol", 910)
    answer = here.api("POST", "/api/v1/calls", {"from": alice.uri_of_mine, "to": bob.uri_of_mine})
    path = answer.headers["Location"]
    lib.wait_for("connected", lambda: here.api("GET", path).json["state"] == "connected", 10)
    all_hear_each_other([alice, bob])
    join = f"Join: {alice.naming()}\r\n"
    moved = carol.call(f"sip:bob@{here.host}", join)
    assert moved.status == 302, moved.start
    conference = moved.contact_uri()
    assert re.match(rf"sip:conf-[a-z2-7]+@{there.host}$", conference), conference
    assert "isfocus" in moved.get("Contact"), moved.fields
    # *8: the same Call-ID, From tag and To, CSeq + 1, and the Join header still in it.
    again = Party(there, "carol", 910)
    again.call_id, again.tag, again.cseq = carol.call_id, carol.tag, carol.cseq
    again.to = f"<sip:bob@{here.host}>"
    taken = again.call(conference, join)
    assert taken.status == 200 and taken.contact_uri() == conference, taken.fields
    lib.wait_for("Alice and Bob have arrived", lambda: alice.moved and bob.moved and alice.moved.rtp.running and bob.moved.rtp.running, 10)
    for party in (alice, bob):
        sent = party.requests("REFER")[0]
        assert conference in sent.get("Refer-To") and sent.get("Referred-By"), sent.fields
        assert sent.get("Call-ID") == party.dialog[0], "not in the dialog"
        lib.wait_for(f"{party.name} gets BYE", lambda: party.ended)
        order = [m.method for way, m in party.seen if m.method in ("REFER", "BYE")]
        assert order == ["REFER", "BYE"], order
        assert "isfocus" not in party.contact, "nobody mixes here"
    all_hear_each_other([again, alice.moved, bob.moved])
    people = there.connected(conference[4:].split("@")[0])
    assert {p["referred_by"] is not None for p in people if not p["uri"].startswith("sip:carol")} == {True}, people
    lib.wait_for("no call is left here", lambda: not here.api("GET", "/api/v1/calls").json["calls"])
    carol.ended = True
    quiet_end(there, again, alice.moved, bob.moved)
    quiet_end(here)


@lib.case
def room_moves_and_comes_back():
    here, there = pair()
    parties = talk(here, there, (("alice", 440), ("bob", 620), ("carol", 910)))
    for party in parties:
        assert party.call(f"sip:board@{here.host}").status == 200
    all_hear_each_other(parties)
    events = lib.Events(here)
    servers, room = [here, there], "board"
    for turn in range(2):
        old, new = servers[turn % 2], servers[(turn + 1) % 2]
        answer = old.api("POST", f"/api/v1/rooms/{room}/migrate", {"to": f"sip:conf-factory@{new.host}"})
        assert answer.status == 202, answer.text
        lib.wait_for("all are told to go and are rung off", lambda: all(p.ended for p in parties), 15)
        parties = [party.moved for party in parties]
        for party in parties:
            party.knows = servers
        room = parties[0].target[4:].split("@")[0]
        all_hear_each_other(parties)
        names = sorted(p["uri"].split("@")[0] for p in new.connected(room))
        assert names == ["sip:alice", "sip:bob", "sip:carol"], names  # nobody twice, no bridge left
    done = events.wait("room.migration", cause="done")
    assert done["room"]["migration"]["moved"] == 3 and done["room"]["migration"]["pending"] == 0, done
    assert here.metric('hearth_moves_total{state="done"}') == 1 and here.metric("hearth_participants_moved_total") == 3
    for party in parties:
        party.hang_up()
    for server in servers:
        for left in server.api("GET", "/api/v1/rooms").json["rooms"]:
            server.api("DELETE", f"/api/v1/rooms/{left['id']}")
        quiet_end(server)


def recordings(hearth):
    return hearth.api("GET", "/api/v1/recordings").json["recordings"]


def has_denoise(hearth, room, name):
    return next(p["denoise"] for p in hearth.participants(room) if p["uri"].startswith(f"sip:{name}@"))


@lib.case
def seats_travel():
    """Role, mute, gain, name, lock: as they were here, so they are there; and nobody gets them by asking."""
    here, there = pair()
    parties = talk(here, there, (("alice", 440), ("bob", 620), ("carol", 910)))
    alice, bob, carol = parties
    carol.refuses_refer = True
    conference = alice.call(f"sip:conference-factory@{here.host}").contact_uri()
    for party in (bob, carol):
        assert party.call(conference).status == 200
    all_hear_each_other(parties)
    room = conference[4:].split("@")[0]
    ids = {p["uri"][4:].split("@")[0]: p["id"] for p in here.participants(room)}
    here.api("PATCH", f"/api/v1/rooms/{room}/participants/{ids['bob']}", {"muted": True, "gain_db": -6})
    here.api("PATCH", f"/api/v1/rooms/{room}/participants/{ids['bob']}", {"denoise": True})
    here.api("PATCH", f"/api/v1/rooms/{room}", {"locked": True, "max_participants": 3, "pin": "2468", "loudest": 2})
    assert here.api("POST", f"/api/v1/rooms/{room}/recordings", {}).status == 201
    here.api("POST", f"/api/v1/rooms/{room}/migrate", {"to": f"sip:conf-factory@{there.host}"})
    lib.wait_for("two have gone", lambda: alice.ended and bob.ended, 15)
    new = there.api("GET", "/api/v1/rooms").json["rooms"][0]
    assert new["loudest"] == 2 and has_denoise(there, new["id"], "bob") and not has_denoise(there, new["id"], "alice"), new
    assert new["locked"] and new["max_participants"] == 3 and new["has_pin"] and new["participants"] == 2, new
    people = {p["uri"][4:].split("@")[0]: p for p in there.connected(new["id"])}
    assert people["alice"]["role"] == "moderator" and people["alice"]["host"], people["alice"]
    assert people["bob"]["role"] == "guest" and people["bob"]["muted"] and people["bob"]["gain_db"] == -6, people["bob"]
    bridge = people[room]
    assert bridge["bridge"] and not bridge["host"] and bridge["role"] == "guest", bridge
    assert [p["uri"].split("@")[0] for p in bridge["carries"]] == ["sip:carol"], bridge["carries"]
    lib.wait_for("alice and carol hear each other over the bridge", lambda: alice.moved.hears(carol) and carol.hears(alice.moved))
    for phone in (carol, alice.moved):
        lib.hears_not(phone, bob.hz)  # who is muted, to both
    old = lib.wait_for("its recording here has ended", lambda: [r for r in recordings(here) if r["state"] == "done"], 40)
    assert len(old) == 1 and old[0]["room_id"] == room and old[0]["length_ms"] > 0, old
    assert [(r["room_id"], r["state"]) for r in recordings(there)] == [(new["id"], "running")], recordings(there)
    token = re.search(r";seat=(\w+)", bob.requests("REFER")[0].get("Refer-To")).group(1)
    for uri in (bob.moved.target, f"{bob.moved.target};seat={token}", f"{bob.moved.target};seat={'a' * 16}"):
        late = Party(there, "late")
        assert late.call(uri, "Referred-By: <sip:alice@127.0.0.1>\r\n").status == 486, uri
    carol.hang_up()
    lib.wait_for("the bridge goes with the last", lambda: len(there.connected(new["id"])) == 2)
    alice.moved.hang_up()
    bob.moved.hang_up()
    quiet = lib.wait_for("it ends with the conference there", lambda: [r for r in recordings(there) if r["state"] == "done"], 40)
    assert quiet[0]["length_ms"] > 0, quiet
    quiet_end(there)
    quiet_end(here)


@lib.case
def phone_that_cannot_go_is_carried():
    here, there = pair()
    parties = talk(here, there, (("alice", 440), ("bob", 620), ("carol", 910)))
    parties[2].refuses_refer = True
    for party in parties:
        assert party.call(f"sip:board@{here.host}").status == 200
    all_hear_each_other(parties)
    here.api("POST", "/api/v1/rooms/board/migrate", {"to": f"sip:conf-factory@{there.host}"})
    lib.wait_for("two have gone", lambda: parties[0].ended and parties[1].ended, 15)
    view = lib.wait_for("the move is done", lambda: (m := here.room("board")["migration"])["state"] == "done" and m)
    assert view["moved"] == 2 and view["carried"] == 1, view
    all_hear_each_other([parties[0].moved, parties[1].moved, parties[2]])
    assert not parties[2].ended
    parties[2].hang_up()
    lib.wait_for("the bridge goes with the last", lambda: not here.connected("board"))
    parties[0].moved.hang_up()
    parties[1].moved.hang_up()
    quiet_end(there)
    quiet_end(here)


@lib.case
def twice_and_back_with_one_carried():
    """From here to there to a third and back here. Carol's phone cannot go: she is heard over each bridge, and awaited, muted by
    nobody, at the end of the chain; her leaving is told all along it."""
    here, there = pair()
    third = lib.Hearth(rooms__grace_s="1")
    parties = talk(here, there, (("alice", 440), ("bob", 620), ("carol", 910)))
    alice, bob, carol = parties
    for party in parties:
        party.knows = [here, there, third]
        assert party.call(f"sip:board@{here.host}").status == 200
    carol.refuses_refer = True
    all_hear_each_other(parties)
    servers, room = [here, there, third, here], "board"
    for old, new in zip(servers, servers[1:]):
        old.api("POST", f"/api/v1/rooms/{room}/migrate", {"to": f"sip:conf-factory@{new.host}"})
        lib.wait_for("two have gone on", lambda: alice.ended and bob.ended, 40)
        alice, bob = alice.moved, bob.moved
        alice.knows = bob.knows = [here, there, third]
        room = alice.target[4:].split("@")[0]
        lib.wait_for("carol is awaited there, and nobody is there twice", lambda: sorted(
            p["uri"].split("@")[0] for p in new.connected(room) if not p["bridge"]) == ["sip:alice", "sip:bob"] and
            [c["uri"].split("@")[0] for p in new.connected(room) if p["bridge"] for c in p["carries"]] == ["sip:carol"], 40)
        all_hear_each_other([alice, bob, carol], 40)
    carol.hang_up()
    lib.wait_for("the bridges go, one after the other", lambda: len(here.connected(room)) == 2 and not any(
        server.metric("hearth_mixer_legs") for server in (there, third)), 40)
    all_hear_each_other([alice, bob], 40)
    carol.ended = True
    quiet_end(third)
    quiet_end(there)
    quiet_end(here, alice, bob)


@lib.case
def move_that_fails_changes_nothing():
    here = lib.Hearth()
    parties = [Party(here, name, hz) for name, hz in (("alice", 440), ("bob", 620))]
    for party in parties:
        assert party.call(f"sip:board@{here.host}").status == 200
    busy = Party(here, "other", manner="busy")
    here.api("POST", "/api/v1/rooms/board/migrate", {"to": busy.uri_of_mine})
    lib.wait_for("failed", lambda: here.room("board")["migration"]["state"] == "failed")
    all_hear_each_other(parties)
    late = Party(here, "late", 910)
    assert late.call(f"sip:board@{here.host}").status == 200, "the door is open again"
    all_hear_each_other(parties + [late])
    busy.ended = True
    quiet_end(here, *parties, late)


@lib.case
def other_server_dies_in_the_middle():
    """Alice has gone, Bob's phone is still on its way, Carol's has refused, and then the other server is killed: who is here stays here,
    and the door is open again."""
    there = lib.Hearth(rooms__grace_s="1")
    here = lib.Hearth(media__quiet_s=6)
    alice, bob, carol = parties = talk(here, there, (("alice", 440), ("bob", 620), ("carol", 910)))
    bob.stays = carol.refuses_refer = True
    for party in parties:
        assert party.call(f"sip:board@{here.host}").status == 200
    events = lib.Events(here)
    here.api("POST", "/api/v1/rooms/board/migrate", {"to": f"sip:conf-factory@{there.host}"})
    lib.wait_for("Alice has gone", lambda: alice.ended, 20)
    view = lib.wait_for("Carol stays", lambda: (m := here.room("board")["migration"])["carried"] == 1 and m)
    assert view["state"] == "moving" and view["moved"] == 1 and view["pending"] == 1, view
    there.process.kill()
    there.process.wait()
    lib._running.remove(there)
    failed = events.wait("room.migration", 40, cause="failed")
    assert failed["room"]["migration"]["uri"] is None, failed["room"]["migration"]
    assert here.metric('hearth_moves_total{state="failed"}') == 1 and here.metric("hearth_participants_moved_total") == 1
    late = Party(here, "alice", 440)
    assert late.call(f"sip:board@{here.host}").status == 200, "the door is open again"
    all_hear_each_other([bob, carol, late], 20)
    alice.moved.stop()
    ghost = Party(here, "ghost", port=there.sip_port)  # who has its port now answers the BYE
    lib.wait_for("no bridge is left", lambda: not any(p["bridge"] for p in here.participants("board")), 40)
    quiet_end(here, bob, carol, late)
    ghost.stop()


@lib.case
def drain_hands_over():
    here, there = pair(focus__central_factory="sip:conf-factory@{there}")
    parties = talk(here, there)
    for party in parties:
        assert party.call(f"sip:board@{here.host}").status == 200
    all_hear_each_other(parties)
    here.process.terminate()
    lib.wait_for("both have gone", lambda: all(p.moved and p.moved.rtp.running for p in parties), 15)
    moved = [p.moved for p in parties]
    all_hear_each_other(moved)
    lib.wait_for("the server has ended", lambda: here.process.poll() is not None, 15)
    assert here.process.returncode == 0
    quiet_end(there, *moved)


lib.main()
