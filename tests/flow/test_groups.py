#!/usr/bin/python3
"""Who hears whom, by groups, and breakout rooms, with phones that say a tone each."""
import re
import time

import lib

TONES = {"caller": 400, "agent": 620, "coach": 900, "guest": 1300}
LOUD, SILENT = 1500, 150


def meeting(hearth, room, names):
    phones = {name: lib.Phone(hearth, name, samples=lib.tone(TONES[name], 1, 2000)) for name in names}
    for phone in phones.values():
        assert phone.invite(room).status == 200
    lib.wait_for("all are in", lambda: len(hearth.connected(room)) == len(names))  # their ACKs have come
    return phones


def ids(hearth, room):
    return {re.search(r"sip:(\w+)@", p["uri"]).group(1): p["id"] for p in hearth.participants(room)}


def check(phones, hears):
    """`hears`: {who: those it hears}; waits until it is so, since changes and buffers take their time."""
    def levels():
        return {who: {other: phones[who].rtp.tone(TONES[other]) for other in phones} for who in phones}

    def is_right():
        return all((level > LOUD) if other in hears[who] else (level < SILENT)
                   for who, heard in levels().items() for other, level in heard.items())
    try:
        lib.wait_for("everybody hears whom it should", is_right, 30, 0.25)
    except AssertionError as error:
        raise AssertionError(f"{error}: {levels()}, wanted {hears}") from error


@lib.case
def a_coach_is_heard_by_one():
    hearth = lib.Hearth()
    phones = meeting(hearth, "support", ("caller", "agent", "coach"))
    people = ids(hearth, "support")
    path = "/api/v1/rooms/support/participants/"
    check(phones, {"caller": ("agent", "coach"), "agent": ("caller", "coach"), "coach": ("caller", "agent")})
    for name, change in (("coach", {"speaks": ["whisper"]}), ("agent", {"hears": ["main", "whisper"]})):
        answer = hearth.api("PATCH", path + people[name], change)
        assert answer.status == 200 and all(answer.json[key] == value for key, value in change.items()), answer.json
    check(phones, {"caller": ("agent",), "agent": ("caller", "coach"), "coach": ("caller", "agent")})
    assert hearth.room("support")["groups"] == ["main", "whisper"]
    answer = hearth.api("PATCH", path + people["agent"], {"hears_not": ["whisper"]})
    assert answer.status == 200
    check(phones, {"caller": ("agent",), "agent": ("caller",), "coach": ("caller", "agent")})
    answer = hearth.api("PATCH", path + people["agent"], {"hears": ["not/a/name"]})
    assert answer.status == 422 and answer.json["type"] == "/problems/group-name", answer.json
    answer = hearth.api("PATCH", path + people["agent"], {"hears": [f"g{i}" for i in range(16)]})
    assert answer.status == 409 and answer.json["type"] == "/problems/groups-full", answer.json
    hearth.stop()


@lib.case
def to_a_breakout_room_and_back():
    hearth = lib.Hearth()
    for room in ("plenum", "table"):
        assert hearth.api("POST", "/api/v1/rooms", {"id": room}).status == 201
    phones = meeting(hearth, "plenum", ("caller", "agent", "guest"))
    people, events = ids(hearth, "plenum"), lib.Events(hearth)
    move = "/api/v1/rooms/{}/participants/{}/move"
    for name in ("caller", "guest"):
        answer = hearth.api("POST", move.format("plenum", people[name]), {"room": "table"})
        assert answer.status == 200 and answer.json["room_id"] == "table", answer.json
        request = phones[name].wait_request("INVITE")
        assert re.match(r"<sip:table@.*>;isfocus", request.get("Contact")), request.fields
        phones[name].answer(request, body=phones[name].sdp(version=2))
    events.wait("participant.left", room_id="plenum", participant_id=people["guest"], cause="moved")
    events.wait("participant.joined", room_id="table", participant_id=people["guest"], cause="moved")
    check(phones, {"caller": ("guest",), "guest": ("caller",), "agent": ()})
    assert set(ids(hearth, "table")) == {"caller", "guest"} and set(ids(hearth, "plenum")) == {"agent"}
    time.sleep(0.6)  # an ACK that is missing is no matter: the 2xx is repeated, and nobody goes
    answer = hearth.api("POST", move.format("table", people["guest"]), {"room": "plenum"})
    assert answer.status == 200, answer.json
    request = phones["guest"].wait_request("INVITE")
    phones["guest"].answer(request, body=phones["guest"].sdp(version=3))
    check(phones, {"caller": (), "guest": ("agent",), "agent": ("guest",)})
    answer = hearth.api("POST", move.format("table", people["caller"]), {"room": "nowhere"})
    assert answer.status == 404 and answer.json["type"] == "/problems/room-unknown", answer.json
    for phone in phones.values():
        assert phone.bye().status == 200
    lib.wait_for("both are empty", lambda: not ids(hearth, "table") and not ids(hearth, "plenum"))
    events.stop()
    hearth.stop()


lib.main()
