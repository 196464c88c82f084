#!/usr/bin/python3
"""What the API plays into rooms: heard as it is in the file, by whom it should be, and under control."""
import pathlib
import tempfile

import lib
from dialin import Ear

PATIENCE_S = 30  # nothing here has to be quick


def hearth_with_sounds(**options):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hearth-sounds-"))
    return lib.Hearth(sounds__path=str(directory), **options), directory


def caller(hearth, name, room="team", samples=None):
    phone = lib.Phone(hearth, name, samples=samples)
    assert phone.invite(room).status == 200
    return phone


def play(hearth, *items, path="/api/v1/rooms/team/plays", **fields):
    made = hearth.api("POST", path, {"items": list(items), **fields})
    assert made.status == 201, made.text
    return f"/api/v1/rooms/team/plays/{made.json['id']}"


def ended(events, path):
    play_id = path.rsplit("/", 1)[1]
    return lib.wait_for(f"{play_id} has ended",
                        lambda: next((e for e in events.named("play.ended") if e["play"]["id"] == play_id), None), PATIENCE_S)


def hears(phone, hz, level=2000):
    lib.hears(phone, hz, above=level)


def hears_not(phone, hz):
    lib.hears_not(phone, hz, below=60)


@lib.case
def a_file_is_heard_as_it_is():
    hearth, sounds = hearth_with_sounds()
    source = lib.speech(sounds / "hello.wav", "This is what everybody hears.", seconds=1.6)
    lib.write_opus(sounds / "chime.opus", lib.tone(600, 1.0))
    listed = [s["item"] for s in hearth.api("GET", "/api/v1/sounds").json["sounds"]]
    assert listed[:3] == ["file:chime.opus", "file:hello.wav", "music"], listed
    events = lib.Events(hearth)
    assert hearth.api("POST", "/api/v1/rooms/team/plays", {"items": ["music"]}).status == 404
    anna, bert = caller(hearth, "anna"), caller(hearth, "bert")
    end = ended(events, play(hearth, "file:hello.wav"))
    assert end["cause"] == "finished" and end["play"]["error"] is None and "by" not in end, end
    for phone in (anna, bert):
        found = lib.wait_for("the file", lambda: (lambda n: n if n[0] == n[1] else None)(
            lib.frames_in_order(source, list(phone.rtp.packets))), PATIENCE_S)
        assert found[1] == 80, found
    play(hearth, "file:chime.opus", loop=True)
    hears(anna, 600)
    for items, status in ((["file:../hello.wav"], 422), (["file:/etc/passwd"], 422), (["file:none.wav"], 422), ([], 422),
                          (["tone:9000"], 422), (["file:hello.wav"] * 33, 422)):
        refused = hearth.api("POST", "/api/v1/rooms/team/plays", {"items": items})
        assert refused.status == status and refused.json["field"] == "items", refused.text
    (sounds / "broken.wav").write_bytes(b"this is no sound at all")
    end = ended(events, play(hearth, "file:broken.wav"))
    assert end["cause"] == "failed" and end["play"]["error"], end
    anna.bye()
    bert.bye()
    assert events.wait("play.ended", PATIENCE_S, cause="empty")
    hearth.stop()


@lib.case
def a_play_is_under_control():
    hearth, _ = hearth_with_sounds()
    events = lib.Events(hearth)
    anna = caller(hearth, "anna")
    path = play(hearth, "tone:500:3000:-12", "tone:900:3000:-12", loop=True)
    full = 32767 * 10 ** (-12 / 20)
    hears(anna, 500, full * 0.8)
    changed = hearth.api("PATCH", path, {"volume_db": -12})
    assert changed.status == 200 and changed.json["volume_db"] == -12, changed.text
    lib.wait_for("softer", lambda: any(full * 0.2 < anna.rtp.tone(hz) < full * 0.3 for hz in (500, 900)), PATIENCE_S)
    hearth.api("PATCH", path, {"paused": True})
    hears_not(anna, 500)
    hears_not(anna, 900)
    held = hearth.api("GET", path).json
    assert held["state"] == "paused", held
    # From the second tone on; it goes round, so the first comes back by itself.
    moved = hearth.api("PATCH", path, {"position_ms": 3500, "paused": False, "volume_db": 0}).json
    assert moved["state"] == "playing", moved
    hears(anna, 900, full * 0.8)
    hears(anna, 500, full * 0.8)
    assert hearth.api("GET", path).json["position_ms"] > 5900
    assert [p["id"] for p in hearth.api("GET", "/api/v1/rooms/team/plays").json["plays"]] == [path.rsplit("/", 1)[1]]
    queued = play(hearth, "tone:1300:60000:-12", queue=True)
    assert hearth.api("GET", queued).json["state"] == "queued"
    assert hearth.api("DELETE", path).status == 204
    end = ended(events, path)
    assert end["cause"] == "stopped" and end["by"] == "api", end
    hears(anna, 1300, full * 0.8)
    hears_not(anna, 500)
    assert hearth.api("GET", path).status == 404
    assert events.wait("play.queued", play=events.named("play.queued")[0]["play"])
    hearth.stop()


@lib.case
def one_participant_alone_hears_it():
    hearth, _ = hearth_with_sounds()
    events = lib.Events(hearth)
    anna, bert = caller(hearth, "anna"), caller(hearth, "bert")
    one = next(p["id"] for p in hearth.participants("team") if p["uri"].startswith("sip:anna@"))
    path = play(hearth, "tone:700:60000:-12", path=f"/api/v1/rooms/team/participants/{one}/plays")
    assert hearth.api("GET", path).json["participant_id"] == one
    hears(anna, 700)
    hears_not(bert, 700)
    anna.bye()
    assert ended(events, path)["cause"] == "left"
    hearth.stop()


@lib.case
def talkers_go_down_under_an_announcement():
    hearth, _ = hearth_with_sounds(prompts__duck_db=20)
    caller(hearth, "anna", samples=lib.tone(440, 1, 8000))
    bert = caller(hearth, "bert")
    hears(bert, 440, 7000)
    path = play(hearth, "tone:1000:60000:-30", duck=True)
    lib.wait_for("anna is 20 dB down", lambda: 600 < bert.rtp.tone(440) < 1000, PATIENCE_S)
    hears(bert, 1000, 700)
    assert hearth.api("DELETE", path).status == 204
    hears(bert, 440, 7000)
    hears_not(bert, 1000)
    hearth.stop()


@lib.case
def music_for_who_is_alone_and_a_tone_while_it_is_recorded():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hearth-music-"))
    lib.write_opus(directory / "music.ogg", lib.tone(700, 2.0))
    hearth = lib.Hearth(prompts__music=str(directory), recordings__path=str(directory / "rec"), recordings__announce="false",
                        recordings__beep_s=1)
    assert hearth.api("POST", "/api/v1/rooms", {"id": "team", "music": True}).json["music"] is True
    anna = caller(hearth, "anna")
    hears(anna, 700)
    bert = caller(hearth, "bert")
    hears_not(anna, 700)
    hears_not(bert, 700)
    assert hearth.api("POST", "/api/v1/rooms/team/recordings", {"format": "wav"}).status == 201
    for ear in [Ear(phone) for phone in (anna, bert)]:
        ear.wait_tone(1400, 2000, 0.1)
    bert.bye()
    hears(anna, 700)
    assert hearth.api("PATCH", "/api/v1/rooms/team", {"music": False}).status == 200
    hears_not(anna, 700)
    hearth.stop()


lib.main()
