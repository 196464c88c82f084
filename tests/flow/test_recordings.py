#!/usr/bin/python3
"""Recordings with a track of each participant, compared sample by sample; a disk that is full, a process that is killed."""
import pathlib
import signal
import subprocess
import tempfile
import time

import lib
import numpy


def hearth_with(recordings, **options):
    return lib.Hearth(recordings__path=str(recordings), recordings__rate_hz=8000, recordings__announce="false", **options)


def folder():
    return pathlib.Path(tempfile.mkdtemp(prefix="hearth-rec-"))


def talker(hearth, name, hz, room="team"):
    phone = lib.Phone(hearth, name, samples=lib.tone(hz, 1))
    assert phone.invite(room).status == 200
    return phone


def start(hearth, room="team", **fields):
    made = hearth.api("POST", f"/api/v1/rooms/{room}/recordings", fields)
    assert made.status == 201, made.text
    return f"/api/v1/recordings/{made.json['id']}"


def until_ms(hearth, path, length_ms):
    """Waits for the recording to be that long. Returns how long it is."""
    def length():
        return hearth.api("GET", path).json["length_ms"]
    return lib.wait_for(f"{length_ms} ms are recorded", lambda: (now := length()) >= length_ms and now)


def ended(hearth, path, state):
    return lib.wait_for(f"it is {state}", lambda: next((r for r in [hearth.api("GET", path).json] if r["state"] == state), None))


@lib.case
def tracks_add_up_to_the_mix():
    """To the sample, with one who comes late, one who leaves, and a pause."""
    directory = folder() / "rec"
    hearth = hearth_with(directory)
    events = lib.Events(hearth)
    anna, bert = talker(hearth, "anna", 440), talker(hearth, "bert", 700)
    lib.hears(bert, 440, above=2000)
    path = start(hearth, format="wav", tracks=True)
    silent_ms = until_ms(hearth, path, 800)
    cleo = talker(hearth, "cleo", 1000)
    lib.hears(bert, 1000)
    heard_ms = until_ms(hearth, path, silent_ms + 800)
    hearth.api("PATCH", path, {"paused": True})
    time.sleep(0.3)
    hearth.api("PATCH", path, {"paused": False})
    until_ms(hearth, path, heard_ms + 600)
    assert bert.bye().status == 200
    lib.wait_for("he has left", lambda: len(hearth.connected("team")) == 2)
    left_ms = until_ms(hearth, path, 0)
    until_ms(hearth, path, left_ms + 600)
    hearth.api("PATCH", path, {"stopped": True})
    done = ended(hearth, path, "done")
    assert done["tracks"] == 3, done
    tracks = hearth.api("GET", path + "/tracks").json["tracks"]
    assert [t["uri"].split(":")[1].split("@")[0] for t in tracks] == ["anna", "bert", "cleo"], tracks
    assert all(t["complete"] and not t["error"] for t in tracks), tracks
    mix = lib.read_wav(directory / f"{done['id']}.wav").astype(int)
    parts = [lib.read_wav(directory / f"{done['id']}-{t['number']}.wav").astype(int) for t in tracks]
    # Whoever stays to the end ends with the mix, but for the tick in which each was told to.
    assert all(abs(len(parts[i]) - len(mix)) <= 160 for i in (0, 2)) and len(parts[1]) < len(mix) - 3000, [len(mix), *map(len, parts)]
    size = min(len(mix), len(parts[0]), len(parts[2]))
    whole = sum(numpy.pad(part, (0, max(0, size - len(part))))[:size] for part in parts)
    # A track may begin one tick after the mix, but nowhere else is there a difference.
    wrong = 160 + numpy.flatnonzero(whole[160:] != mix[160:size])
    assert len(wrong) == 0, f"{len(wrong)} of {size} samples differ, the first at {wrong[0]}"
    first = numpy.flatnonzero(parts[2])[0]
    assert 8 * silent_ms - 320 <= first <= 8 * heard_ms, (silent_ms, first, heard_ms)
    audio = hearth.api("GET", path + "/tracks/3/audio", Range="bytes=0-3")
    assert audio.status == 206 and audio.text == "RIFF", audio.status
    log = hearth.api("GET", path + "/log").json
    assert len(log["tracks"]) == 3 and log["segments"], log
    assert hearth.api("DELETE", path).status == 204 and not list(directory.iterdir())
    assert events.wait("recording.deleted")["cause"] == "deleted"
    hearth.stop()


@lib.case
def it_holds_what_the_room_heard():
    directory = folder() / "rec"
    hearth = hearth_with(directory)
    talker(hearth, "alice", 440)
    bob = lib.Phone(hearth, "bob")
    assert bob.invite("team").status == 200
    lib.hears(bob, 440, above=2000)
    path = start(hearth, format="wav")
    assert hearth.room("team")["recording"] is True
    until_ms(hearth, path, 1500)
    assert hearth.api("PATCH", path, {"paused": True}).json["state"] == "paused"

    def stands_at():
        before = until_ms(hearth, path, 1)
        time.sleep(0.5)
        return before == until_ms(hearth, path, 1) and before

    paused_ms = lib.wait_for("it stands still", stands_at)
    time.sleep(0.5)
    assert until_ms(hearth, path, 1) == paused_ms, "a pause goes into the file"
    hearth.api("PATCH", path, {"paused": False})
    until_ms(hearth, path, paused_ms + 1000)
    assert hearth.api("PATCH", path, {"stopped": True}).status == 200
    done = ended(hearth, path, "done")
    assert done["lost_ms"] == 0 and done["length_ms"] >= 2500, done
    whole = (directory / f"{done['id']}.wav").read_bytes()
    assert len(whole) == done["octets"] == 44 + 16 * done["length_ms"], (len(whole), done)
    samples = lib.read_wav(directory / f"{done['id']}.wav")
    found, frames = lib.frames_in_order(samples, list(bob.rtp.packets))
    assert found >= frames - 1, f"{found} of {frames} frames are what bob heard"
    assert lib.tone_heard(samples, 440) > 2500
    log = hearth.api("GET", path + "/log").json
    assert log["segments"][0]["uri"].startswith("sip:alice@"), log
    assert hearth.api("DELETE", path).status == 204 and not list(directory.iterdir())
    hearth.stop()


@lib.case
def a_room_that_is_set_to_it_is_recorded():
    directory = folder()
    hearth = hearth_with(directory)
    assert hearth.api("POST", "/api/v1/rooms", {"id": "board", "record": "tracks"}).json["record"] == "tracks"
    anna = talker(hearth, "anna", 440, "board")
    lib.wait_for("it runs", lambda: hearth.room("board")["recording"])
    time.sleep(0.5)
    anna.bye()
    recording = hearth.api("GET", "/api/v1/recordings").json["recordings"][0]
    assert ended(hearth, f"/api/v1/recordings/{recording['id']}", "done")["tracks"] == 1
    assert hearth.api("PATCH", "/api/v1/rooms/board", {"record": "sometimes"}).status == 422
    hearth.stop()


@lib.case
def a_killed_process_leaves_files_that_play():
    state, directory = folder(), folder()
    hearth = hearth_with(directory, directory=state)
    phones = [talker(hearth, "anna", 440), talker(hearth, "bert", 700, "other")]
    paths = [start(hearth, "team", format="wav", tracks=True), start(hearth, "other", format="ogg")]
    for path in paths:
        until_ms(hearth, path, 3500)
    hearth.process.send_signal(signal.SIGKILL)
    hearth.process.wait(10)
    for phone in phones:
        phone.stop()
    for file in directory.iterdir():
        assert lib.sound_seconds(file) > 1.4, (file.name, lib.sound_seconds(file))
    assert len(list(directory.iterdir())) == 3
    again = hearth_with(directory, directory=state)
    for path in paths:
        found = again.api("GET", path).json
        assert found["state"] == "failed" and found["error"] and found["octets"] > 4000, found
        assert again.api("GET", path + "/audio").status == 200
    assert again.api("GET", paths[0] + "/tracks").json["tracks"][0]["uri"].startswith("sip:anna@")
    assert again.api("DELETE", paths[0]).status == 204
    again.stop()


@lib.case
def a_full_disk_ends_the_recording_and_nothing_else():
    directory = folder()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", directory], check=True)
    try:
        hearth = hearth_with(directory)
        events = lib.Events(hearth)
        anna, bert = talker(hearth, "anna", 440), talker(hearth, "bert", 700)
        path = start(hearth, format="wav")
        event = events.wait("recording.ended", 30)
        assert event["cause"] == "failed" and "space" in event["recording"]["error"], event
        assert 50000 < ended(hearth, path, "failed")["octets"] <= 65536
        assert "recording.ended" in hearth.log_text() and "space" in hearth.log_text()
        lib.hears(bert, 440, above=2000)  # the room goes on
        assert hearth.room("team")["recording"] is False
        assert hearth.metric('hearth_recordings_total{state="failed"}') == 1 and hearth.metric("hearth_recordings") == 0
        refused = hearth.api("POST", "/api/v1/rooms/team/recordings", {"format": "wav"})
        assert refused.status == 507, refused.text
        hearth.stop()
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


if __name__ == "__main__":
    lib.main()
