#!/usr/bin/python3
"""Conferences dialled into each other (seeds S13): they hear each other, neither plays tones or music at the other, and no ring is
closed."""
import pathlib
import tempfile

import numpy

import lib
from parties import Party

GENEROUS = 40
MUSIC_HZ = 1000


def quiet_party(hearth, name):
    """Says nothing: what is heard is not of it."""
    party = Party(hearth, name)
    party.rtp.samples = numpy.zeros(lib.RATE, numpy.int16)
    return party


def peak(party, seconds=1.0):
    heard = party.rtp.heard(seconds)
    return int(numpy.abs(heard.astype(int)).max()) if len(heard) else 0


def link(hearth, room, uri):
    answer = hearth.api("POST", f"/api/v1/rooms/{room}/participants", {"uri": uri})
    assert answer.status == 202, answer.text
    return answer.json["id"]


def ends(*hearths):
    for hearth in hearths:
        for room in hearth.api("GET", "/api/v1/rooms").json["rooms"]:
            hearth.api("DELETE", f"/api/v1/rooms/{room['id']}")
    for hearth in hearths:
        lib.wait_for("no leg is left", lambda h=hearth: h.metric("hearth_mixer_legs") == 0, GENEROUS)
        hearth.stop()


@lib.case
def two_hear_each_other_and_no_tones():
    """Blue has tones at coming and going: who is in it hears them, red does not."""
    here, there = lib.Hearth(), lib.Hearth()
    here.api("POST", "/api/v1/rooms", {"id": "blue", "tones": True})
    anna, bert = Party(here, "anna", 440), Party(there, "bert", 620)
    assert anna.call(f"sip:blue@{here.host}").status == 200 and bert.call(f"sip:red@{there.host}").status == 200
    link(here, "blue", f"sip:red@{there.host}")
    lib.wait_for("they hear each other", lambda: anna.hears(bert) and bert.hears(anna), GENEROUS)
    for hearth, room, other in ((here, "blue", "red"), (there, "red", "blue")):
        foci = [p["uri"].split("@")[0] for p in hearth.connected(room) if p["remote_focus"]]
        assert foci == [f"sip:{other}"], foci
    for party in (anna, bert):
        party.rtp.samples = numpy.zeros(lib.RATE, numpy.int16)
    lib.wait_for("all is quiet", lambda: peak(anna) < 50 and peak(bert) < 50, GENEROUS)
    bert.rtp.packets.clear()
    carl = quiet_party(here, "carl")
    assert carl.call(f"sip:blue@{here.host}").status == 200
    lib.wait_for("anna hears a tone", lambda: peak(anna, 10) > 300, GENEROUS)
    carl.hang_up()
    lib.wait_for("carl has left", lambda: len(here.connected("blue")) == 2, GENEROUS)
    lib.wait_for("it is quiet again", lambda: peak(anna) < 50, GENEROUS)
    assert peak(bert, 60) < 50, peak(bert, 60)
    anna.rtp.samples = lib.tone(anna.hz, 1)
    lib.wait_for("what anna says still comes", lambda: bert.hears(anna), GENEROUS)
    anna.ended = bert.ended = carl.ended = True
    ends(here, there)


@lib.case
def a_focus_that_waits_hears_no_music():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="music-"))
    lib.write_wav(folder / "music.wav", lib.tone(MUSIC_HZ, 1))
    here, there = lib.Hearth(prompts__music=str(folder), prompts__path="/nowhere"), lib.Hearth()
    here.api("POST", "/api/v1/rooms", {"id": "blue", "wait_for_moderator": True})
    bert, dora = quiet_party(there, "bert"), quiet_party(here, "dora")
    assert bert.call(f"sip:red@{there.host}").status == 200
    link(there, "red", f"sip:blue@{here.host}")
    lib.wait_for("red waits at the door of blue", lambda: any(
        p["state"] == "pending" and p["remote_focus"] for p in here.participants("blue")), GENEROUS)
    bert.rtp.packets.clear()
    assert dora.call(f"sip:blue@{here.host}").status == 200
    lib.hears(dora, MUSIC_HZ, above=500)
    assert peak(bert, 60) < 50, peak(bert, 60)
    ends(here, there)


@lib.case
def no_ring_is_closed():
    """Blue and red, red and green are fine; green and blue would be a ring, and so is red to blue once more."""
    here, there = lib.Hearth(), lib.Hearth()
    events = {here: lib.Events(here), there: lib.Events(there)}
    for hearth, room in ((here, "blue"), (there, "red"), (here, "green")):
        hearth.api("POST", "/api/v1/rooms", {"id": room})
    for hearth, room, uri in ((here, "blue", f"sip:red@{there.host}"), (there, "red", f"sip:green@{here.host}")):
        link(hearth, room, uri)
        lib.wait_for(f"{room} is linked", lambda h=hearth, r=room: all(p["state"] == "connected" for p in h.participants(r)), GENEROUS)
    for hearth, room, uri in ((here, "green", f"sip:blue@{here.host}"), (there, "red", f"sip:blue@{here.host}")):
        refused = link(hearth, room, uri)
        left = events[hearth].wait("participant.left", GENEROUS, cause="loop", status=482)
        assert left["participant"]["id"] == refused, left
    assert [len(h.connected(r)) for h, r in ((here, "blue"), (there, "red"), (here, "green"))] == [1, 2, 1]
    ends(here, there)


lib.main()
