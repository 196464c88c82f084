#!/usr/bin/python3
"""The HTTP API with real calls behind it."""
import tempfile
import time

import dialin
import lib


def room_of_two(hearth, room="hall"):
    """Two phones with tones of 440 and 700 Hz in a room of the API's; returns phones and participant ids."""
    assert hearth.api("POST", "/api/v1/rooms", {"id": room}).status == 201
    phones = [lib.Phone(hearth, name, samples=lib.tone(hz, 1)) for name, hz in (("anna", 440), ("bert", 700))]
    for phone in phones:
        assert phone.invite(room).status == 200
    ids = {p["uri"].split(":")[1].split("@")[0]: p["id"] for p in hearth.participants(room)}
    return phones, ids


def patch(hearth, room, participant, **fields):
    answer = hearth.api("PATCH", f"/api/v1/rooms/{room}/participants/{participant}", fields)
    assert answer.status == 200, answer.text
    return answer.json


@lib.case
def mute_deaf_gain():
    hearth = lib.Hearth()
    (anna, bert), ids = room_of_two(hearth)
    lib.hears(bert, 440, above=2500)
    assert patch(hearth, "hall", ids["anna"], muted=True)["muted"] is True
    lib.hears_not(bert, 440, below=50)
    patch(hearth, "hall", ids["anna"], muted=False, gain_db=-12)
    lib.wait_for("3000 less 12 dB, which is 754", lambda: 600 < bert.rtp.tone(440) < 900, 30)
    patch(hearth, "hall", ids["bert"], deaf=True)
    lib.hears_not(bert, 440, below=50)
    lib.hears(anna, 700, above=2500)
    patch(hearth, "hall", ids["bert"], deaf=False)
    lib.hears(bert, 440, above=600)
    assert hearth.api("PATCH", "/api/v1/rooms/hall", {"muted": True}).status == 200
    lib.hears_not(anna, 700, below=50)
    hearth.stop()


@lib.case
def kick_rings_the_phone_off_with_a_reason():
    hearth = lib.Hearth()
    (anna, bert), ids = room_of_two(hearth)
    events = lib.Events(hearth)
    assert hearth.api("DELETE", f"/api/v1/rooms/hall/participants/{ids['anna']}").status in (202, 204)
    bye = anna.wait_request("BYE")
    anna.answer(bye)
    assert bye.get("Reason"), bye.fields
    events.wait("participant.left")
    assert len(lib.wait_for("one is left", lambda: len(hearth.connected("hall")) == 1 and [1])) == 1
    hearth.stop()


@lib.case
def locked_and_full_are_486():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "small", "max_participants": 1})
    hearth.api("POST", "/api/v1/rooms", {"id": "shut", "locked": True})
    assert lib.Phone(hearth).invite("small").status == 200
    assert lib.Phone(hearth).invite("small").status == 486
    assert lib.Phone(hearth).invite("shut").status == 486
    assert hearth.metric('hearth_rejected_total{reason="room_full"}') == 1
    assert hearth.metric('hearth_rejected_total{reason="room_locked"}') == 1
    hearth.stop()


@lib.case
def calling_somebody_in():
    hearth = lib.Hearth()
    directory = tempfile.mkdtemp()
    spoken = lib.speech(f"{directory}/anna.wav", "This is Anna who was called by the server and now tells a long story", "en+f3", 8)
    anna = lib.Baresip("anna", f"{directory}/anna.wav")
    lib.wait_for("baresip listens", lambda: "ready" in anna.log_text() or "baresip is ready" in anna.log_text())
    hearth.api("POST", "/api/v1/rooms", {"id": "office"})
    bert = lib.Phone(hearth, "bert", samples=lib.tone(700, 1))
    assert bert.invite("office").status == 200
    events = lib.Events(hearth)
    called = hearth.api("POST", "/api/v1/rooms/office/participants", {"uri": anna.uri})
    assert called.status == 202 and called.json["id"], called.text
    events.wait("participant.joined")
    lib.wait_for("both are connected", lambda: len(hearth.connected("office")) == 2)
    lib.wait_for("anna hangs up", anna.ended, 20)
    lib.wait_for("bert has heard her", lambda: lib.likeness(bert.rtp.heard(), spoken) > 0.7, 10, 0.5)
    assert lib.tone_heard(anna.heard(), 700) > 2000
    left = events.wait("participant.left")
    assert left["cause"] == "bye", left
    hearth.stop()


@lib.case
def calling_somebody_who_is_busy_or_not_there():
    hearth = lib.Hearth(focus__ring_s=5)
    hearth.api("POST", "/api/v1/rooms", {"id": "office"})
    events = lib.Events(hearth)
    busy = lib.Phone(hearth, "busy")
    assert hearth.api("POST", "/api/v1/rooms/office/participants", {"uri": f"sip:busy@127.0.0.1:{busy.port}"}).status == 202
    busy.answer(busy.wait_request("INVITE"), 486, "Busy Here")
    left = events.wait("participant.left")
    assert left["status"] == 486, left
    silent = lib.Phone(hearth, "silent")
    hearth.api("POST", "/api/v1/rooms/office/participants", {"uri": f"sip:silent@127.0.0.1:{silent.port}"})
    silent.answer(silent.wait_request("INVITE"), 180, "Ringing")
    cancel = silent.wait_request("CANCEL", 12)
    assert cancel.get("CSeq").endswith("CANCEL")
    hearth.stop()


@lib.case
def digits_are_told_once_and_not_heard():
    hearth = lib.Hearth()
    (anna, bert), ids = room_of_two(hearth)
    events = lib.Events(hearth)
    dialin.press(anna, "7#7")
    lib.wait_for("three are told", lambda: len(events.named("dtmf")) >= 3)
    time.sleep(0.5)
    assert [e["digit"] for e in events.named("dtmf")] == ["7", "#", "7"], events.named("dtmf")
    hearth.stop()


@lib.case
def events_are_replayed_without_gaps():
    hearth = lib.Hearth()
    first = lib.Events(hearth)
    for name in ("a", "b", "c"):
        hearth.api("POST", "/api/v1/rooms", {"id": name})
    lib.wait_for("three events", lambda: len(first.all) >= 3)
    ids = [number for number, _, _ in first.all]
    assert ids == list(range(ids[0], ids[0] + len(ids))), ids
    again = lib.Events(hearth, last_id=ids[0])
    lib.wait_for("the replay", lambda: len(again.all) >= len(ids) - 1)
    assert [event[:2] for event in again.all] == [event[:2] for event in first.all[1:]]
    hearth.stop()


@lib.case
def errors_are_problem_documents():
    hearth = lib.Hearth()
    for method, path, body, status in (
            ("GET", "/api/v1/rooms/none", None, 404), ("GET", "/nothing", None, 404), ("PUT", "/api/v1/rooms", None, 405),
            ("POST", "/api/v1/rooms", "{", 400), ("POST", "/api/v1/rooms", {"id": "a b"}, 422),
            ("POST", "/api/v1/rooms", {"locked": "yes"}, 422), ("POST", "/api/v1/rooms", {"colour": 1}, 422),
            ("POST", "/api/v1/rooms/none/participants", {"uri": "sip:a@127.0.0.1"}, 404)):
        answer = hearth.api(method, path, body)
        assert answer.status == status, f"{method} {path} {body}: {answer.status} {answer.text}"
        assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.headers
        assert answer.json["status"] == status and answer.json["title"], answer.text
    hearth.stop()


lib.main()
