#!/usr/bin/python3
"""Who is let into a room and when: PINs that are wrong, a leader who is awaited, a lobby, an hour that begins and ends, bans."""
import time

import lib
from dialin import Ear, answer_reinvite, call, hearth_with, press, prompts


def in_seconds(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds + 1))


@lib.case
def three_wrong_pins_and_goodbye():
    """And a lock-out of that caller, but of nobody else. The PIN is kept nowhere but as a hash."""
    root, spoken = prompts()
    hearth = hearth_with(root)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "739146", "moderator_pin": "8375190462"})
    eve = call(hearth, "eve")
    press(eve, "4711#0000#1111#222299#")
    bye = eve.wait_request("BYE", 40)
    eve.answer(bye)
    Ear(eve, 0).wait("the farewell", spoken["vm-goodbye"])
    assert "403" in bye.get("Reason"), bye.fields
    assert not hearth.participants("4711")
    again = call(hearth, "eve")  # with the right one now, and is not listened to
    press(again, "4711#739146#")
    bye = again.wait_request("BYE", 40)
    again.answer(bye)
    assert "403" in bye.get("Reason") and not hearth.participants("4711"), bye.fields
    Ear(again, 0).wait("that it is wrong", spoken["conf-invalidpin"])
    assert hearth.metric("hearth_pins_wrong_total") == 3
    alice = call(hearth, "alice")  # from the same address, by another name
    press(alice, "4711#739146#")
    answer_reinvite(alice)
    lib.wait_for("alice is in", lambda: hearth.connected("4711"), 30)
    told = [hearth.log_text(), hearth.api("GET", "/api/v1/rooms/4711").text, hearth.api("GET", "/api/v1/call-records").text,
            hearth.api("GET", "/metrics").text]
    hearth.stop()
    kept = b"".join(file.read_bytes() for file in hearth.directory.glob("hearth.db*"))
    assert b"pbkdf2$" in kept, "no hash is kept"
    for pin in ("739146", "8375190462", "222299"):
        assert pin.encode() not in kept, f"{pin} is in the store"
        assert not any(pin in text for text in told), f"{pin} is told"


@lib.case
def guests_hear_music_until_the_moderator_comes():
    root, spoken = prompts()
    hearth = hearth_with(root)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234", "moderator_pin": "98765", "wait_for_moderator": True})
    guest = call(hearth, "guest", 440)
    press(guest, "4711#1234#")
    answer_reinvite(guest)
    lib.wait_for("the guest waits", lambda: [p for p in hearth.participants("4711") if p["state"] == "pending"])
    Ear(guest, 0).wait("that it waits for the leader", spoken["conf-waitforleader"])
    lib.hears(guest, 330, above=1000)
    boss = call(hearth, "boss", 700)
    press(boss, "4711#98765#")
    answer_reinvite(boss)
    lib.wait_for("both are in", lambda: len(hearth.connected("4711")) == 2)
    lib.hears(guest, 700, above=2000)
    lib.hears(boss, 440, above=2000)
    lib.hears_not(guest, 330)  # the music is over
    hearth.stop()


@lib.case
def lobby_by_the_api():
    root, _ = prompts()
    hearth = hearth_with(root)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "lobby": True})
    alice = lib.Phone(hearth, "alice")
    assert alice.invite("4711").status == 200
    waiting = lib.wait_for("waits", lambda: [p for p in hearth.participants("4711") if p["state"] == "pending"])
    path = f"/api/v1/rooms/4711/participants/{waiting[0]['id']}"
    assert hearth.api("PATCH", path, {"admitted": True}).status == 200
    lib.wait_for("in", lambda: len(hearth.connected("4711")) == 1)
    hearth.stop()


@lib.case
def not_before_its_hour_and_whom_it_calls_then():
    root, spoken = prompts()
    lib.speech(root / "en" / "hearth-not-started.wav", "Be patient, this meeting begins later.")
    hearth = hearth_with(root)
    events = lib.Events(hearth)
    carol, dave = lib.Phone(hearth, "carol"), lib.Phone(hearth, "dave")
    made = hearth.api("POST", "/api/v1/rooms", {"pins": "generate", "opens_at": in_seconds(3600), "invitees": [f"sip:{p.name}@127.0.0.1:{p.port}" for p in (carol, dave)]})
    assert made.status == 201, made.text
    room, pin = made.json["id"], made.json["pin"]
    early = lib.Phone(hearth, "early")
    refused = early.invite(room)
    assert refused.status == 480 and refused.get("Retry-After"), refused.fields
    alice = call(hearth, "alice")
    press(alice, room + "#")
    alice.answer(alice.wait_request("BYE", 30))
    Ear(alice, 0).wait("why", lib.read_wav(root / "en" / "hearth-not-started.wav"))
    assert hearth.api("PATCH", f"/api/v1/rooms/{room}", {"opens_at": in_seconds(1)}).status == 200
    rings = carol.wait_request("INVITE", 15), dave.wait_request("INVITE", 15)
    assert all(rings)
    opened = events.wait("room.changed", cause="opened")
    assert opened["room"]["open"] is True and opened["room"]["id"] == room
    created = events.wait("participant.created")
    assert created.get("by") == "schedule", created
    bob = call(hearth, "bob", 700)
    press(bob, f"{room}#{pin}#")
    answer_reinvite(bob)
    lib.wait_for("bob is in", lambda: any(p["uri"].startswith("sip:bob@") and p["state"] == "connected" for p in hearth.participants(room)))
    hearth.stop()


@lib.case
def a_conference_ends_when_its_time_is_over():
    root, spoken = prompts()
    said = lib.speech(root / "en" / "confbridge-conf-end.wav", "Time is over, this was the conference.")
    hearth = hearth_with(root)
    events = lib.Events(hearth)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "max_duration_s": 2})
    alice = lib.Phone(hearth, "alice")
    assert alice.invite("4711").status == 200
    bye = alice.wait_request("BYE", 15)
    assert "410" in bye.get("Reason"), bye.fields
    Ear(alice, 0).wait("that it is over", said)
    left = events.wait("participant.left")
    assert left["cause"] == "time_limit" and left["by"] == "schedule", left
    assert hearth.room("4711")["participants"] == 0
    hearth.stop()


@lib.case
def who_is_banned_stays_outside():
    """Out of the mix at once, told why, and rung off only then."""
    root, spoken = prompts()
    hearth = hearth_with(root, prompts__farewell_s=30)
    events = lib.Events(hearth)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234"})
    eve = call(hearth, "eve", 440)
    press(eve, "4711#1234#")
    answer_reinvite(eve)
    person = lib.wait_for("in", lambda: hearth.connected("4711"))[0]
    ear = Ear(eve)
    assert hearth.api("DELETE", f"/api/v1/rooms/4711/participants/{person['id']}?ban=true").status == 204
    assert not hearth.connected("4711")
    bye = eve.wait_request("BYE", 40)
    assert "403" in bye.get("Reason"), bye.fields
    ear.wait("why it was sent out", spoken["conf-kicked"])
    eve.answer(bye)
    assert events.wait("participant.left")["by"] == "api"
    again = call(hearth, "eve", 440)
    press(again, "4711#1234#")
    again.wait_request("BYE", 20)
    assert not hearth.participants("4711")
    ban = hearth.api("GET", "/api/v1/rooms/4711/bans").json["bans"][0]
    assert hearth.api("DELETE", f"/api/v1/rooms/4711/bans/{ban['id']}").status == 204
    back = call(hearth, "eve", 440)
    press(back, "4711#1234#")
    answer_reinvite(back)
    lib.wait_for("in again", lambda: hearth.connected("4711"))
    hearth.stop()


lib.main()
