#!/usr/bin/python3
"""Dial-in: prompts, room number and PIN by digits, waiting, lobby; what is heard is compared with the files."""
import pathlib
import tempfile
import time

import lib
from dialin import answer_reinvite, call, hearth_with, press, prompts


@lib.case
def number_and_pin_lead_into_the_room():
    root, spoken = prompts()
    hearth = hearth_with(root)
    assert hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234", "moderator_pin": "98765"}).status == 201
    room = hearth.api("GET", "/api/v1/rooms/4711").json
    assert room["has_pin"] and room["has_moderator_pin"] and "1234" not in str(room)
    alice = call(hearth, "alice", 440)
    time.sleep(len(spoken["conf-getconfno"]) / lib.RATE + 1)
    heard = lib.likeness(alice.rtp.heard(), spoken["conf-getconfno"])
    assert heard > 0.9, f"the first prompt: {heard:.2f}"
    assert not hearth.participants("4711")
    press(alice, "4711#")
    time.sleep(len(spoken["conf-getpin"]) / lib.RATE + 1)
    heard = lib.likeness(alice.rtp.heard(), spoken["conf-getpin"])
    assert heard > 0.9, f"the second prompt: {heard:.2f}"
    press(alice, "1234#")
    contact = answer_reinvite(alice)
    assert "sip:4711@" in contact and "isfocus" in contact, contact
    bob = call(hearth, "bob", 700)
    press(bob, "4711#98765#")
    answer_reinvite(bob)
    people = {p["uri"].split(":")[1].split("@")[0]: p for p in hearth.participants("4711")}
    assert people["alice"]["role"] == "guest" and people["bob"]["role"] == "moderator", people
    time.sleep(len(spoken["conf-thereare"]) / lib.RATE * 3 + 4)
    heard = lib.likeness(bob.rtp.heard(), spoken["conf-thereare"])
    assert heard > 0.6, f"bob is told how many there are: {heard:.2f}"
    heard = lib.tone_level(alice.rtp.heard(1), 700), lib.tone_level(bob.rtp.heard(1), 440)
    assert min(heard) > 2000, heard
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
    lib.wait_for("answered", phone.established)
    time.sleep(len(spoken["conf-getconfno"]) / lib.RATE + 1)
    assert not hearth.participants("4711")
    for digit in "4711#":
        phone.command("sndcode", digit)
        time.sleep(0.25)
    for digit in "1234#":
        phone.command("sndcode", digit)
        time.sleep(0.25)
    lib.wait_for("baresip is in", lambda: hearth.connected("4711"))
    heard = lib.likeness(phone.heard(), spoken["conf-getconfno"])
    assert heard > 0.6, f"baresip heard the question: {heard:.2f}"
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
    lib.wait_for("is not heard", lambda: lib.tone_level(boss.rtp.heard(0.4), 440) < 100)
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
    time.sleep(len(asked) / lib.RATE + 0.5)
    assert lib.likeness(anna.rtp.heard(), asked) > 0.9
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
        lib.wait_for("it is asked", lambda: lib.likeness(phone.rtp.heard(), spoken["conf-getpin"]) > 0.9, 30, 0.5)
    press(anna, "0000#")
    lib.wait_for("it is told", lambda: lib.likeness(anna.rtp.heard(), spoken["conf-invalidpin"]) > 0.9, 30, 0.5)
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
    lib.wait_for("carl is asked", lambda: lib.likeness(carl.rtp.heard(), spoken["conf-getconfno"]) > 0.9, 30, 0.5)
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
def three_wrong_pins_and_goodbye():
    """And a lock-out of that caller, but of nobody else. The PIN is kept nowhere but as a hash."""
    root, spoken = prompts()
    hearth = hearth_with(root)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "739146", "moderator_pin": "8375190462"})
    eve = call(hearth, "eve")
    press(eve, "4711#0000#1111#222299#")
    bye = eve.wait_request("BYE", 40)
    eve.answer(bye)
    assert lib.likeness(eve.rtp.heard(), spoken["vm-goodbye"]) > 0.9
    assert "403" in bye.get("Reason"), bye.fields
    assert not hearth.participants("4711")
    again = call(hearth, "eve")  # with the right one now, and is not listened to
    press(again, "4711#739146#")
    bye = again.wait_request("BYE", 40)
    again.answer(bye)
    assert "403" in bye.get("Reason") and not hearth.participants("4711"), bye.fields
    assert lib.likeness(again.rtp.heard(), spoken["conf-invalidpin"]) > 0.9
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
    time.sleep(len(spoken["conf-waitforleader"]) / lib.RATE + 1.5)
    assert lib.likeness(guest.rtp.heard(), spoken["conf-waitforleader"]) > 0.9
    assert lib.tone_level(guest.rtp.heard(0.5), 330) > 1000, "no music"
    boss = call(hearth, "boss", 700)
    press(boss, "4711#98765#")
    answer_reinvite(boss)
    lib.wait_for("both are in", lambda: len(hearth.connected("4711")) == 2)
    lib.wait_for("they hear each other", lambda: lib.tone_level(guest.rtp.heard(0.5), 700) > 2000 and
                 lib.tone_level(boss.rtp.heard(0.5), 440) > 2000, 20)
    assert lib.tone_level(guest.rtp.heard(0.5), 330) < 100, "the music goes on"
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


def in_seconds(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds + 1))


@lib.case
def what_nobody_recorded_is_read_by_a_voice():
    cache = pathlib.Path(tempfile.mkdtemp(prefix="hearth-cache-"))
    hearth = lib.Hearth(dialin__numbers="8000=fr", prompts__path="/nowhere", prompts__music="", prompts__cache=str(cache / "made"))
    lib.wait_for("the voice has read", lambda: "prompts.made" in hearth.log_text(), 60)
    assert not list(cache.glob("made/*/*.part")) and not (cache / "made" / "ru").exists(), "more was read than is spoken"
    alice = call(hearth, "alice")
    said = lib.read_wav_8k(cache / "made" / "fr" / "conf-getconfno.wav")
    time.sleep(len(said) / lib.RATE + 0.5)
    heard = lib.likeness(alice.rtp.heard(), said)
    assert heard > 0.9, f"likeness {heard:.2f}"
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
    bob = lib.Phone(hearth, "bob")
    assert bob.invite("4711").status == 200
    press(bob, "##")  # no name: cuts the question short, and says nothing
    lib.wait_for("bob is in", lambda: hearth.connected("4711"))
    alice = call(hearth, "alice", 440)
    press(alice, "4711#")
    press(alice, "#")  # at once to the recording
    time.sleep(1.2)
    press(alice, "#")
    answer_reinvite(alice)
    lib.wait_for("alice is in", lambda: len(hearth.connected("4711")) == 2)
    files = list((root / "rec" / "names").iterdir())
    assert any(lib.tone_level(lib.read_wav_8k(f)[2000:6000], 440) > 2000 for f in files), files
    assert alice.bye().status == 200
    lib.wait_for("alice has gone", lambda: len(hearth.connected("4711")) == 1)
    # Her name, though she is not there any more.
    lib.wait_for("her name is heard", lambda: lib.tone_level(bob.rtp.heard(0.4), 440) > 1500, 5, 0.02)
    hearth.stop()
    left = [f for f in (root / "rec" / "names").iterdir() if not f.name.endswith(".8k.wav")]  # but for our own copies
    assert not left, f"names are kept: {left}"


@lib.case
def not_before_its_hour_and_whom_it_calls_then():
    root, spoken = prompts()
    lib.speech(root / "en" / "hearth-not-started.wav", "Be patient, this meeting begins later.")
    hearth = hearth_with(root)
    events = lib.Events(hearth)
    carol, dave = lib.Phone(hearth, "carol"), lib.Phone(hearth, "dave")
    opens = in_seconds(9)
    made = hearth.api("POST", "/api/v1/rooms", {"pins": "generate", "opens_at": opens, "invitees": [f"sip:{p.name}@127.0.0.1:{p.port}" for p in (carol, dave)]})
    assert made.status == 201, made.text
    room, pin = made.json["id"], made.json["pin"]
    early = lib.Phone(hearth, "early")
    refused = early.invite(room)
    assert refused.status == 480 and refused.get("Retry-After"), refused.fields
    alice = call(hearth, "alice")
    press(alice, room + "#")
    alice.wait_request("BYE", 20)
    said = lib.read_wav(root / "en" / "hearth-not-started.wav")
    assert lib.likeness(alice.rtp.heard(), said) > 0.9, "not told why"
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
    assert lib.likeness(alice.rtp.heard(), said) > 0.9
    left = events.wait("participant.left")
    assert left["cause"] == "time_limit" and left["by"] == "schedule", left
    assert hearth.room("4711")["participants"] == 0
    hearth.stop()


@lib.case
def who_is_banned_stays_outside():
    root, _ = prompts()
    hearth = hearth_with(root)
    events = lib.Events(hearth)
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234"})
    eve = call(hearth, "eve", 440)
    press(eve, "4711#1234#")
    answer_reinvite(eve)
    person = lib.wait_for("in", lambda: hearth.connected("4711"))[0]
    assert hearth.api("DELETE", f"/api/v1/rooms/4711/participants/{person['id']}?ban=true").status == 204
    bye = eve.wait_request("BYE", 10)
    assert "403" in bye.get("Reason"), bye.fields
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


@lib.case
def a_recording_holds_what_the_room_heard():
    root, _ = prompts()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hearth-rec-"))
    hearth = hearth_with(root, recordings__path=str(directory / "rec"), recordings__rate_hz=8000, recordings__announce="false")
    alice, bob = lib.Phone(hearth, "alice", samples=lib.tone(440, 1)), lib.Phone(hearth, "bob")
    assert alice.invite("team").status == 200 and bob.invite("team").status == 200
    lib.wait_for("bob hears alice", lambda: lib.tone_level(bob.rtp.heard(0.5), 440) > 2000)
    made = hearth.api("POST", "/api/v1/rooms/team/recordings", {"format": "wav"})
    assert made.status == 201 and made.json["state"] == "running", made.json
    path = f"/api/v1/recordings/{made.json['id']}"
    assert hearth.room("team")["recording"] is True
    time.sleep(1.5)
    assert hearth.api("PATCH", path, {"paused": True}).json["state"] == "paused"
    paused = hearth.api("GET", path).json["length_ms"]
    time.sleep(0.5)
    assert hearth.api("GET", path).json["length_ms"] == paused, "a pause goes into the file"
    hearth.api("PATCH", path, {"paused": False})
    time.sleep(1)
    assert hearth.api("PATCH", path, {"stopped": True}).status == 200
    done = lib.wait_for("complete", lambda: next((r for r in [hearth.api("GET", path).json] if r["state"] == "done"), None))
    assert done["lost_ms"] == 0 and done["length_ms"] >= 2300, done
    whole = (directory / "rec" / f"{made.json['id']}.wav").read_bytes()
    assert len(whole) == done["octets"] == 44 + 16 * done["length_ms"], (len(whole), done)
    samples = lib.read_wav(directory / "rec" / f"{made.json['id']}.wav")
    quiet = [i for i in range(0, len(samples) - 160, 160) if lib.tone_level(samples[i:i + 160], 440) < 2500]
    assert len(quiet) <= 1, f"gaps at {quiet}"  # one frame where the pause cut the sine
    log = hearth.api("GET", path + "/log").json
    assert log["segments"][0]["uri"].startswith("sip:alice@"), log
    assert hearth.api("DELETE", path).status == 204 and not list((directory / "rec").iterdir())
    hearth.stop()


if __name__ == "__main__":
    lib.main()
