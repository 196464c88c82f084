#!/usr/bin/python3
"""What keys do in a conference, for guests and moderators: each action with the words that are heard, compared with the
files, and the event that says whose it was. Then who waits, comes and goes, is kept out, and what is told of the time."""
import dialin
import lib
from dialin import Ear, press, recorded, together

SAID = {
    "hearth-hand-up": "Your hand is up, everybody can see it.",
    "hearth-hand-down": "You took your hand down again.",
    "hearth-roll-call": "These people are in the conference now.",
    "hearth-unnamed": "Somebody who has not told us a name.",
    "hearth-wait-lobby": "One moment please, somebody will open the door.",
    "hearth-banned": "You are not wanted in this conference.",
    "hearth-ends-in": "Attention, there is not much time left, only",
    "hearth-to-help": "for the list.", "hearth-to-count": "for the number.", "hearth-to-mute": "to be silent.",
    "hearth-to-hand": "for your hand.", "hearth-to-roll-call": "for the names.", "hearth-to-lock": "to close the door.",
    "hearth-to-admit": "to let in one of them.",
}
OPTIONS = {"dialin__numbers": "8000=en, 8001=fr", "dialin__moderator_menu": "**=admit", "prompts__music": ""}


def start(**options):
    root, said = dialin.own(SAID)
    words = {name: said.get(name, None) for name in SAID}
    hearth = lib.Hearth(prompts__path=f"{root}:{dialin.SOUNDS}", recordings__path=str(root / "rec"), **OPTIONS, **options)
    return hearth, lambda name: words[name] if name in words else recorded(name)


def join(hearth, room, name, role="guest", samples=None):
    """Dials the room itself. Returns the phone and the id of the participant."""
    phone = lib.Phone(hearth, name, samples=samples)
    assert phone.invite(room).status == 200
    found = lib.wait_for(f"{name} is there", lambda: [p for p in hearth.participants(room) if p["uri"].startswith(f"sip:{name}@")
                                                      and p["state"] in ("connected", "pending")], 30)[0]
    if role != "guest":
        hearth.api("PATCH", f"/api/v1/rooms/{room}/participants/{found['id']}", {"role": role})
    return phone, found["id"]


def does(phone, keys, words, *prompts):
    """Presses, and hears those prompts."""
    ear = Ear(phone)
    press(phone, keys)
    for prompt in prompts:
        ear.wait(prompt, words(prompt))
    return ear


@lib.case
def every_action_by_keys():
    hearth, words = start()
    events = lib.Events(hearth)
    for room in ("guests", "help", "board"):
        hearth.api("POST", "/api/v1/rooms", {"id": room})

    def changed(by, what):
        lib.wait_for(f"it is told that {by} did it", lambda: [e for e in events.named("participant.changed") if e.get("by") == by
                                                             and what(e["participant"])], 30)

    def room_changed(by, what):
        lib.wait_for(f"it is told that {by} did it", lambda: [e for e in events.named("room.changed") if e.get("by") == by
                                                             and what(e["room"])], 30)

    def keys_of_a_guest():
        phone, by = join(hearth, "guests", "4021")
        join(hearth, "guests", "nameless")
        does(phone, "*1", words, "hearth-hand-up")
        changed(by, lambda p: p["hand_raised"])
        does(phone, "*1", words, "hearth-hand-down")
        changed(by, lambda p: not p["hand_raised"])
        does(phone, "*6", words, "conf-muted")
        changed(by, lambda p: p["self_muted"] and not p["muted"])
        does(phone, "*6", words, "conf-unmuted")
        changed(by, lambda p: not p["self_muted"])
        does(phone, "*9", words, "conf-thereare", "digits/1")
        does(phone, "*4", words, "hearth-roll-call", "digits/4", "digits/0", "digits/2", "digits/1", "hearth-unnamed")
        ear = Ear(phone)
        press(phone, "*2")  # not a guest's
        ear.wait_tone(250, 500)
        assert hearth.room("guests")["locked"] is False
        assert [e["digit"] for e in events.named("dtmf") if e["participant_id"] == by][:4] == list("*1*1")

    def help_for_a_guest():
        phone, _ = join(hearth, "help", "helped")
        ear = does(phone, "*0", words, "vm-press", "digits/star", "hearth-to-help", "hearth-to-hand", "hearth-to-mute",
                   "hearth-to-count", "hearth-to-roll-call")
        assert ear.likeness(words("hearth-to-lock")) < 0.7, "a guest is told what moderators can do"

    def keys_of_a_moderator():
        boss, by = join(hearth, "board", "boss", "moderator")
        guest, guest_id = join(hearth, "board", "4022")
        ear = Ear(guest)
        does(boss, "*2", words, "conf-lockednow")
        ear.wait("that it is locked, as all do", words("conf-lockednow"))
        room_changed(by, lambda r: r["locked"])
        does(boss, "*2", words, "conf-unlockednow")
        room_changed(by, lambda r: not r["locked"])
        ear = Ear(guest)
        does(boss, "*5", words, "conf-now-muted")
        room_changed(by, lambda r: r["guests_muted"])
        ear.wait("that it is muted", words("conf-now-muted"))
        assert hearth.api("GET", f"/api/v1/rooms/board/participants/{guest_id}").json["room_muted"]
        does(guest, "*6", words, "conf-muted")  # its own mute is another matter
        does(boss, "*5", words, "conf-now-unmuted")
        person = hearth.api("GET", f"/api/v1/rooms/board/participants/{guest_id}").json
        assert person["self_muted"] and not person["room_muted"], person
        does(boss, "*3", words, "conf-now-recording")
        assert events.wait("recording.started", 30)["by"] == by
        press(boss, "*3")
        assert events.wait("recording.ended", 30)["by"] == by
        does(boss, "*0", words, "digits/star", "hearth-to-admit")
        press(boss, "*8")
        assert "410" in guest.wait_request("BYE", 30).get("Reason")
        assert events.wait("room.closed", 30, room_id="board")["by"] == by

    together(keys_of_a_guest, help_for_a_guest, keys_of_a_moderator)
    hearth.stop()


@lib.case
def who_waits_comes_and_is_kept_out():
    hearth, words = start(rooms__moderator_grace_s=15)
    events = lib.Events(hearth)
    for room, settings in {"lobby": {"lobby": True}, "leader": {"wait_for_moderator": True, "end_with_moderator": True},
                           "4713": {"locked": True}, "4714": {"max_participants": 1}, "4715": {}, "short": {"max_duration_s": 62},
                           "names": {"names": True}}.items():
        assert hearth.api("POST", "/api/v1/rooms", {"id": room, **settings}).status == 201

    def the_lobby():
        boss, by = join(hearth, "lobby", "boss", "moderator")
        knock = Ear(boss)
        guests = [join(hearth, "lobby", f"guest{i}") for i in range(3)]
        knock.wait_tone(880, 300, 0.1)
        for phone, _ in guests:
            Ear(phone, 0).wait("that it waits", words("hearth-wait-lobby"))
        ear = Ear(guests[0][0])
        press(boss, "**")
        joined = events.wait("participant.joined", 30, participant_id=guests[0][1])
        assert joined["by"] == by, joined
        ear.wait("that it comes in", words("conf-placeintoconf"))
        assert [p["state"] for p in hearth.participants("lobby")].count("pending") == 2, "more than one came in"
        press(boss, "*7")
        for _, each in guests[1:]:
            assert events.wait("participant.joined", 30, participant_id=each)["by"] == by

    def the_moderator():
        guest, _ = join(hearth, "leader", "guest")
        Ear(guest, 0).wait("that it waits for the moderator", words("conf-waitforleader"))
        ear = Ear(guest)
        boss = lib.Phone(hearth, "chief")
        assert boss.invite("leader").status == 200
        waiting = lib.wait_for("two wait", lambda: [p for p in hearth.participants("leader") if p["uri"].startswith("sip:chief@")
                                                    and p["state"] == "pending"], 30)
        hearth.api("PATCH", f"/api/v1/rooms/leader/participants/{waiting[0]['id']}", {"role": "moderator"})
        ear.wait("that it begins", words("confbridge-conf-begin"))
        ear = Ear(guest)
        assert boss.bye().status == 200
        ear.wait("that the moderator has left", words("conf-leaderhasleft"))
        assert "410" in guest.wait_request("BYE", 30).get("Reason")

    def kept_out(name, room, prompt):
        def scene():
            phone = dialin.call(hearth, name)
            ear = Ear(phone)
            press(phone, room + "#")
            ear.wait(prompt, words(prompt))
            assert "403" in phone.wait_request("BYE", 30).get("Reason")
            assert not any(p["uri"].startswith(f"sip:{name}@") for p in hearth.participants(room))
        scene.__name__ = prompt
        return scene

    def a_number_that_is_none():
        phone = dialin.call(hearth, "lost")
        ear = Ear(phone)
        press(phone, "999#")
        ear.wait("that there is none", words("conf-invalid"))
        ear.wait("the question again", words("conf-getconfno"))
        assert not hearth.room("999"), "a wrong number makes a room"
        phone.bye()

    def a_french_number():
        phone = lib.Phone(hearth, "claire")
        assert phone.invite("8001").status == 200
        ear = Ear(phone)
        ear.wait("the question in French", recorded("conf-getconfno", "fr"))
        press(phone, "4715#")
        ear.wait("in French that it is alone", recorded("conf-onlyperson", "fr"))
        phone.bye()

    def an_hour_that_ends():
        phone, _ = join(hearth, "short", "late")
        ear = Ear(phone)
        ear.wait("how much is left", words("hearth-ends-in"))
        ear.wait("one", words("digits/1"))
        ear.wait("minute", words("minute"))
        assert hearth.room("short")["ends_at"], hearth.room("short")

    def a_name():
        bob = dialin.call(hearth, "bob", user="names")
        press(bob, "##")  # not heard to its end, and no name
        lib.wait_for("bob is in", lambda: hearth.connected("names"), 30)
        ear = Ear(bob)
        anna = lib.Phone(hearth, "anna", samples=lib.tone(440, 1))
        assert anna.invite("names").status == 200
        question = Ear(anna, 0)
        question.wait("to say a name", words("vm-rec-name"))
        question.wait("when", recorded("beep"))
        Ear(anna).wait_long(1.5)  # for her name: a shorter one is none
        press(anna, "#")
        anna.rtp.samples = lib.numpy.zeros(lib.RATE, lib.numpy.int16)
        lib.wait_for("anna is in", lambda: len(hearth.connected("names")) == 2, 30)
        ear.wait("that she has joined", words("conf-hasjoin"))
        ear.wait_tone(440, 1500)
        ear = Ear(bob)
        assert anna.bye().status == 200
        ear.wait("that she has left", words("conf-hasleft"))

    join(hearth, "4714", "first")
    hearth.api("POST", "/api/v1/rooms/4715/bans", {"uri": "sip:eve@127.0.0.1"})
    together(the_lobby, the_moderator, kept_out("locked", "4713", "conf-locked"), kept_out("second", "4714", "conf-full"),
             kept_out("eve", "4715", "hearth-banned"), a_number_that_is_none, a_french_number, an_hour_that_ends, a_name)
    hearth.stop()


lib.main()
