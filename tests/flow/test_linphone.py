#!/usr/bin/python3
"""Linphone of Debian (linphonec) as a phone: calls, is called, registers, holds, hands over; sound by file."""
import tempfile

import lib
from dialin import Ear
from parties import Party
from peers import Linphone

TEXT = "The quick brown fox jumps over the lazy dog while the rain in Spain stays mainly in the plain"


def voice():
    """(path, samples of the first 3 s) of speech, again and again: linphone plays a file once in each call, as soon as there is sound."""
    path = f"{tempfile.mkdtemp(prefix='voice-')}/voice.wav"
    return path, lib.speech(path, TEXT, times=40)[:3 * lib.RATE]


def tone_in(hearth, room):
    """A hand-written phone in the room that says 440 Hz."""
    phone = lib.Phone(hearth, "tone", samples=lib.tone(440, 1))
    assert phone.invite(room).status == 200
    return phone


def both_hear(linphone, phone, spoken, liked=0.6):
    """The phone hears the voice; what linphone recorded has the tone. Linphone's file is whole when its call is over."""
    Ear(phone).wait("the voice", spoken, 40, liked)
    linphone.command("terminate all")

    def recorded():
        samples, half = linphone.heard(), lib.RATE // 2  # a phone that is late for a moment has a seam somewhere
        return any(lib.tone_level(samples[at:at + half], 440) > 2000 for at in range(0, len(samples) - half, half // 4))
    lib.wait_for("linphone heard the tone", recorded, 30, 0.5)


@lib.case
def calls_a_room():
    """Over UDP in the clear, over TCP with SRTP; Opus both times. A hold in between."""
    hearth = lib.Hearth()
    wav, spoken = voice()
    for transport, encryption in (("udp", "none"), ("tcp", "srtp")):
        tone = tone_in(hearth, "lobby")
        linphone = Linphone("lin", wav, transport, encryption=encryption)
        linphone.command(f"call sip:lobby@{hearth.host};transport={transport}")
        lib.wait_for("linphone is in", lambda: len(hearth.connected("lobby")) == 2)
        seat = next(p for p in hearth.participants("lobby") if p["uri"].startswith("sip:lin@"))
        assert seat["codec"] == "opus" and seat["encrypted"] == (encryption == "srtp"), seat
        linphone.command("pause")
        lib.wait_for("on hold", lambda: any(p["state"] == "on-hold" for p in hearth.participants("lobby")))
        lib.wait_for("linphone knows", lambda: "is now paused" in linphone.said())
        linphone.command("resume")
        lib.wait_for("resumed", lambda: all(p["state"] == "connected" for p in hearth.participants("lobby")))
        both_hear(linphone, tone, spoken)
        lib.wait_for("linphone has left", lambda: len(hearth.connected("lobby")) == 1)
        assert tone.bye().status == 200
        linphone.stop()
    hearth.stop()


@lib.case
def registers_and_is_called():
    """With its password, at our registrar; the API calls the user and rings it off."""
    hearth = lib.Hearth(sip__realm="hearth.test")
    made = hearth.api("POST", "/api/v1/users", {"name": "lin", "password": "secret"})
    assert made.status == 201, made.text
    wav, spoken = voice()
    linphone = Linphone("lin", wav)
    linphone.command(f"register sip:lin@{hearth.host} sip:{hearth.host} secret")
    lib.wait_for("registered", lambda: hearth.metric("hearth_registrations") == 1)
    assert hearth.metric("hearth_auth_good_total") >= 1 and hearth.metric("hearth_auth_wrong_total") == 0
    tone = tone_in(hearth, "lobby")
    called = hearth.api("POST", "/api/v1/rooms/lobby/participants", {"uri": f"sip:lin@{hearth.host}"})
    assert called.status == 202, called.text
    lib.wait_for("linphone is in", lambda: len(hearth.connected("lobby")) == 2)
    Ear(tone).wait("the voice", spoken, 40, 0.6)
    assert hearth.api("DELETE", f"/api/v1/rooms/lobby/participants/{called.json['id']}").status == 204
    lib.wait_for("linphone was rung off", lambda: "ended" in linphone.said())
    linphone.command("unregister")
    lib.wait_for("its registration is gone", lambda: hearth.metric("hearth_registrations") == 0)
    assert tone.bye().status == 200
    hearth.stop()


@lib.case
def hands_its_call_over():
    """A blind transfer: the REFER in the call has the room call the target; NOTIFY tells linphone, which hangs up."""
    hearth = lib.Hearth()
    wav, spoken = voice()
    bob, linphone = Linphone("bob", wav), Linphone("lin", wav)
    tone = tone_in(hearth, "lobby")
    linphone.command(f"call sip:lobby@{hearth.host}")
    lib.wait_for("linphone is in", lambda: len(hearth.connected("lobby")) == 2)
    linphone.command(f"transfer {bob.uri}")
    lib.wait_for("bob is in", lambda: any("bob" in p["uri"] for p in hearth.connected("lobby")))
    lib.wait_for("linphone has left", lambda: not any("lin@" in p["uri"] for p in hearth.connected("lobby")))
    both_hear(bob, tone, spoken)
    assert tone.bye().status == 200
    hearth.stop()


@lib.case
def calls_the_factory_and_refers_the_focus():
    """It makes a conference, another joins, and its REFER in the dialog has the focus call a third in; then it leaves: host
    and moderator, and yet the others go on."""
    hearth = lib.Hearth(rooms__grace_s="1")
    wav, spoken = voice()
    bob, linphone = Linphone("bob", wav), Linphone("lin", wav)
    linphone.command(f"call sip:conference-factory@{hearth.host}")
    room = lib.wait_for("a conference", lambda: hearth.api("GET", "/api/v1/rooms").json["rooms"], 30)[0]["id"]
    lib.wait_for("linphone is in", lambda: hearth.connected(room), 30)
    assert room.startswith("conf-") and hearth.connected(room)[0]["host"], hearth.connected(room)
    tone = tone_in(hearth, room)
    Ear(tone).wait("linphone", spoken, 40, 0.6)
    linphone.command(f"transfer {bob.uri}")
    lib.wait_for("bob was called in", lambda: any("bob" in p["uri"] for p in hearth.connected(room)), 30)
    called = next(p for p in hearth.participants(room) if "bob" in p["uri"])
    assert called["direction"] == "outgoing" and called["referred_by"].startswith("sip:lin@"), called
    lib.wait_for("linphone has left", lambda: not any("lin@" in p["uri"] for p in hearth.connected(room)), 30)
    both_hear(bob, tone, spoken)
    assert tone.bye().status == 200
    lib.wait_for("the conference is over", lambda: hearth.room(room) is None, 30)
    hearth.stop()


@lib.case
def goes_where_its_conference_goes():
    """The conference moves to another server: linphone follows the REFER, says so by NOTIFY, and is rung off where it was."""
    there = lib.Hearth(rooms__grace_s="1")
    here = lib.Hearth(rooms__grace_s="1")
    wav, spoken = voice()
    linphone, party = Linphone("lin", wav), Party(here, "tone", 440)
    party.knows = [here, there]
    assert party.call(f"sip:board@{here.host}").status == 200
    linphone.command(f"call sip:board@{here.host}")
    lib.wait_for("linphone is in", lambda: len(here.connected("board")) == 2, 30)
    assert here.api("POST", "/api/v1/rooms/board/migrate", {"to": f"sip:conference-factory@{there.host}"}).status == 202
    lib.wait_for("both have gone", lambda: (m := here.room("board")) is None or m["migration"]["moved"] == 2, 60)
    room = there.api("GET", "/api/v1/rooms").json["rooms"][0]["id"]
    lib.wait_for("both are there, and nobody else", lambda: sorted(
        p["uri"][4:].split("@")[0] for p in there.connected(room)) == ["lin", "tone"], 30)
    Ear(party.moved).wait("the voice", spoken, 40, 0.6)
    linphone.command("terminate all")
    lib.wait_for("linphone heard the tone", lambda: lib.tone_heard(linphone.heard()[-lib.RATE:], 440) > 2000, 30, 0.5)
    party.moved.hang_up()
    lib.wait_for("no leg is left", lambda: not any(h.metric("hearth_mixer_legs") for h in (here, there)), 30)
    party.stop()
    party.moved.stop()
    here.stop()
    there.stop()


lib.main()
