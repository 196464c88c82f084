#!/usr/bin/python3
"""Dial-in: prompts, room number and PIN by digits, waiting, lobby; what is heard is compared with the files."""
import pathlib
import tempfile
import time

import lib
from dialin import Ear, answer_reinvite, call, hearth_with, press, prompts, together


@lib.case
def number_and_pin_lead_into_the_room():
    root, spoken = prompts()
    hearth = hearth_with(root)
    assert hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234", "moderator_pin": "98765"}).status == 201
    room = hearth.api("GET", "/api/v1/rooms/4711").json
    assert room["has_pin"] and room["has_moderator_pin"] and "1234" not in str(room)
    alice = call(hearth, "alice", 440)
    ear = Ear(alice, 0)
    ear.wait("the first prompt", spoken["conf-getconfno"])
    assert not hearth.participants("4711")
    press(alice, "4711#")
    ear.wait("the second prompt", spoken["conf-getpin"])
    press(alice, "1234#")
    contact = answer_reinvite(alice)
    assert "sip:4711@" in contact and "isfocus" in contact, contact
    bob = call(hearth, "bob", 700)
    ear = Ear(bob)
    press(bob, "4711#98765#")
    answer_reinvite(bob)
    people = {p["uri"].split(":")[1].split("@")[0]: p for p in hearth.participants("4711")}
    assert people["alice"]["role"] == "guest" and people["bob"]["role"] == "moderator", people
    ear.wait("how many there are", spoken["conf-thereare"], above=0.6)  # somebody talks meanwhile
    lib.hears(alice, 700, above=2000)
    lib.hears(bob, 440, above=2000)
    assert alice.bye().status == 200 and bob.bye().status == 200
    hearth.stop()


@lib.case
def digits_may_come_by_info():
    root, _ = prompts()
    hearth = hearth_with(root)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234"})
    alice = call(hearth, "alice", 440)
    for digit in "4711#1234#":
        alice.send(alice.request("INFO", alice.target, body=f"Signal={digit}\r\nDuration=160\r\n", content_type="application/dtmf-relay"))
        assert alice.final(cseq=alice.cseq).status == 200
    lib.wait_for("in", lambda: hearth.participants("4711"))
    hearth.stop()


@lib.case
def baresip_types_telephone_events():
    root, spoken = prompts()
    hearth = hearth_with(root)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234"})
    lib.speech(root / "voice.wav", "Hello, this is a phone that types its digits.", seconds=25)
    phone = lib.Baresip("berta", root / "voice.wav", dial=f"sip:8000@{hearth.host}")
    lib.wait_for("it hears the question", lambda: lib.likeness(phone.heard(), spoken["conf-getconfno"]) > 0.6, 30, 0.5)
    assert not hearth.participants("4711")
    for digit in "4711#":
        phone.command("sndcode", digit)
        time.sleep(0.25)
    for digit in "1234#":
        phone.command("sndcode", digit)
        time.sleep(0.25)
    lib.wait_for("baresip is in", lambda: hearth.connected("4711"))
    hearth.stop()


@lib.case
def keys_of_guests_and_moderators():
    root, _ = prompts()
    hearth = hearth_with(root, recordings__path=str(root / "rec"))
    events = lib.Events(hearth)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234", "moderator_pin": "98765", "tones": True})
    guest, boss = call(hearth, "guest", 440), call(hearth, "boss", 700)
    press(guest, "4711#1234#")
    answer_reinvite(guest)
    press(boss, "4711#98765#")
    answer_reinvite(boss)
    people = {p["role"]: p for p in lib.wait_for("both", lambda: (lambda c: c if len(c) == 2 else None)(hearth.connected("4711")))}
    by = people["moderator"]["id"]

    def person():
        return hearth.api("GET", f"/api/v1/rooms/4711/participants/{people['guest']['id']}").json

    press(guest, "*1")
    lib.wait_for("the hand is up", lambda: person()["hand_raised"])
    press(guest, "*6")
    lib.wait_for("mute", lambda: person()["self_muted"] and not person()["muted"])
    lib.hears_not(boss, 440)
    press(guest, "*6*2")  # the second is not a guest's
    lib.wait_for("unmuted", lambda: not person()["self_muted"])
    assert hearth.room("4711")["locked"] is False
    press(boss, "*2")
    lib.wait_for("locked", lambda: hearth.room("4711")["locked"])
    assert events.wait("room.changed", by=by)["room"]["locked"] is True
    press(boss, "*2*5")
    lib.wait_for("guests are muted", lambda: person()["room_muted"])
    press(boss, "*5*3")
    lib.wait_for("recording", lambda: hearth.room("4711")["recording"])
    press(boss, "*3")
    lib.wait_for("not any more", lambda: not hearth.room("4711")["recording"])
    hearth.api("PATCH", "/api/v1/rooms/4711", {"lobby": True, "pin": None, "moderator_pin": None})
    late = lib.Phone(hearth, "late")
    assert late.invite("4711").status == 200
    lib.wait_for("waits", lambda: any(p["state"] == "pending" for p in hearth.participants("4711")))
    press(boss, "*7")
    lib.wait_for("is let in", lambda: len(hearth.connected("4711")) == 3)
    press(boss, "*8")
    assert "410" in guest.wait_request("BYE").get("Reason")
    assert events.wait("room.closed")["by"] == by
    hearth.stop()


@lib.case
def who_is_called_says_by_a_key_that_it_is_there():
    root, _ = prompts()
    asked = lib.speech(root / "en" / "hearth-confirm.wav", "You wanted this call. Press one to come in.")
    hearth = hearth_with(root)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711"})
    anna = lib.Phone(hearth, "anna")
    made = hearth.api("POST", "/api/v1/rooms/4711/participants", {"uri": f"sip:anna@127.0.0.1:{anna.port}", "confirm": True})
    assert made.status == 202
    request = anna.wait_request("INVITE")
    anna.call_id = request.get("Call-ID")
    anna.answer(request, body=anna.sdp())
    assert anna.wait_request("ACK")
    anna.rtp.start(request.rtp())
    Ear(anna, 0).wait("why it rings", asked)
    assert hearth.participants("4711")[0]["state"] == "pending"
    press(anna, "1")
    lib.wait_for("in", lambda: hearth.connected("4711"))
    hearth.stop()


def picks_up(phone):
    """Answers the call that comes."""
    request = phone.wait_request("INVITE", 30)
    phone.call_id, phone.to = request.get("Call-ID"), request.get("From")
    phone.answer(request, body=phone.sdp())
    assert phone.wait_request("ACK", 30)
    phone.rtp.start(request.rtp())


@lib.case
def whom_we_call_types_a_pin():
    """Called by the API, and called back from a dial-in number; a machine that answers gets nowhere."""
    root, spoken = prompts()
    hearth = hearth_with(root, sip__registrar="open", callback__numbers="9000=8000;rings=0", callback__allow="@127.0.0.1", callback__delay_s=1)
    events = lib.Events(hearth)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234", "moderator_pin": "98765", "locked": True})
    anna, machine, carl = (lib.Phone(hearth, name) for name in ("anna", "machine", "carl"))
    for phone in (anna, machine):
        made = hearth.api("POST", "/api/v1/rooms/4711/participants", {"uri": f"sip:{phone.name}@127.0.0.1:{phone.port}", "ask": "pin"})
        assert made.status == 202, made.text
        picks_up(phone)
    lib.wait_for("both wait", lambda: [p["state"] for p in hearth.participants("4711")] == ["pending"] * 2, 30)
    for phone in (anna, machine):
        Ear(phone, 0).wait("the question", spoken["conf-getpin"])
    ear = Ear(anna)
    press(anna, "0000#")
    ear.wait("that it is wrong", spoken["conf-invalidpin"])
    press(anna, "98765#")
    joined = events.wait("participant.joined", 30)
    assert joined["participant"]["role"] == "moderator" and joined["participant"]["uri"].startswith("sip:anna@"), joined
    hearth.api("PATCH", "/api/v1/rooms/4711", {"locked": False})

    carl.to = f"<sip:carl@{hearth.host}>"
    carl.send(carl.request("REGISTER", f"sip:{hearth.host}", "Expires: 600\r\n"))
    assert carl.final().status == 200
    carl.to = None
    assert carl.invite("9000").status == 486
    picks_up(carl)
    Ear(carl, 0).wait("the question", spoken["conf-getconfno"])
    assert not any(p["uri"].startswith("sip:carl@") for p in hearth.participants("4711"))
    press(carl, "4711#1234#")
    assert "isfocus" in answer_reinvite(carl)
    lib.wait_for("carl is in", lambda: len(hearth.connected("4711")) == 2, 30)

    bye = machine.wait_request("BYE", 60)
    assert "480" in bye.get("Reason"), bye.fields
    machine.answer(bye)
    left = events.wait("participant.left", 30)
    assert left["cause"] == "not_confirmed" and left["participant"]["uri"].startswith("sip:machine@"), left
    assert not events.named("dtmf"), "digits of a PIN are told"
    hearth.stop()


@lib.case
def what_nobody_recorded_is_read_by_a_voice():
    cache = pathlib.Path(tempfile.mkdtemp(prefix="hearth-cache-"))
    hearth = lib.Hearth(dialin__numbers="8000=fr", prompts__path="/nowhere", prompts__music="", prompts__cache=str(cache / "made"))
    lib.wait_for("the voice has read", lambda: "prompts.made" in hearth.log_text(), 60)
    assert not list(cache.glob("made/*/*.part")) and not (cache / "made" / "ru").exists(), "more was read than is spoken"
    alice = call(hearth, "alice")
    said = lib.read_wav_8k(cache / "made" / "fr" / "conf-getconfno.wav")
    Ear(alice, 0).wait("the voice", said)
    hearth.stop()
    # What is there is not read again.
    hearth = lib.Hearth(dialin__numbers="8000=fr", prompts__path="/nowhere", prompts__music="", prompts__cache=str(cache / "made"))
    time.sleep(0.5)
    assert "prompts.made" not in hearth.log_text()
    hearth.stop()


@lib.case
def names_are_recorded_and_heard():
    root, spoken = prompts()
    hearth = hearth_with(root, recordings__path=str(root / "rec"), rooms__max_duration_s="600")
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "names": True})

    def names():
        folder = root / "rec" / "names"
        return set(folder.iterdir()) if folder.exists() else set()

    bob = call(hearth, "bob", user="4711")
    press(bob, "##")  # no name: cuts the question short, and says nothing
    lib.wait_for("bob is in", lambda: hearth.connected("4711"))
    alice = call(hearth, "alice", 440)
    press(alice, "4711#")
    before = names()
    press(alice, "#")  # at once to the recording
    lib.wait_for("it records", lambda: names() > before)
    Ear(alice).wait_long(1.5)
    press(alice, "#")
    answer_reinvite(alice)
    lib.wait_for("alice is in", lambda: len(hearth.connected("4711")) == 2)
    assert any(lib.tone_heard(lib.read_wav_8k(f), 440) > 2000 for f in names()), names()
    lib.hears(bob, 440)
    alice.rtp.samples = lib.numpy.zeros(lib.RATE, lib.numpy.int16)
    lib.hears_not(bob, 440)
    ear = Ear(bob)
    assert alice.bye().status == 200
    lib.wait_for("alice has gone", lambda: len(hearth.connected("4711")) == 1)
    ear.wait_tone(440, 1500)  # her name, though she is not there any more
    hearth.stop()
    left = [f for f in (root / "rec" / "names").iterdir() if not f.name.endswith(".8k.wav")]  # but for our own copies
    assert not left, f"names are kept: {left}"


@lib.case
def a_number_greets():
    """In its own words: before it asks, and before it lets in where there is nothing to ask."""
    root, spoken = prompts()
    (root / "sounds").mkdir()
    greeting = lib.speech(root / "sounds" / "acme.wav", "This is the bridge of the Acme company.")
    hearth = lib.Hearth(dialin__numbers="8000=en;greeting=file:acme.wav, 8001=en:team;greeting=file:acme.wav",
                        prompts__path=str(root), prompts__music="", sounds__path=str(root / "sounds"))
    hearth.api("POST", "/api/v1/rooms", {"id": "team"})
    events = lib.Events(hearth)

    def asked():
        ear = Ear(call(hearth, "anna"), 0)
        ear.wait("the greeting", greeting)
        ear.wait("the question", spoken["conf-getconfno"])

    def let_in():
        phone = lib.Phone(hearth, "bert")
        assert phone.invite("8001").status == 200
        answer_reinvite(phone)
        Ear(phone, 0).wait("the greeting", greeting)
        assert events.wait("participant.joined")["room_id"] == "team"

    together(asked, let_in)
    hearth.stop()


if __name__ == "__main__":
    lib.main()
