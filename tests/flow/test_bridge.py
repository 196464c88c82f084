#!/usr/bin/python3
"""A conference bridge with thirty callers: a number, prompts, a PIN, music, a moderator, a recording; three codecs.

Also run with ThreadSanitizer (./test tsan). By hand with HEARTHD=build/release/hearthd it is how one counts late ticks:
the last line tells.
"""
import pathlib
import tempfile

import crowd
import dialin
import lib

GUESTS, CODECS = 29, ("PCMU", "PCMA", "G722")
MUSIC_HZ, VOICE_HZ = 330, 700
IN_USE = ("hearth_mixer_legs", "hearth_sip_calls", "hearth_sip_dialogs", "hearth_participants")
PATIENCE_S = 60  # for what takes a few seconds on a machine that has them


def music():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-moh-"))
    lib.write_wav(folder / "tune.wav", lib.tone(MUSIC_HZ, 1))
    return folder


def until_all(what, members, is_so):
    """Waits for each; whoever lacks in the end is named."""
    lacking = list(members)

    def is_over():
        lacking[:] = [member for member in lacking if not is_so(member)]
        return not lacking
    try:
        lib.wait_for(what, is_over, PATIENCE_S, 0.3)
    except AssertionError as error:
        raise AssertionError(f"{error}: not {', '.join(member.name for member in lacking[:5])} ({len(lacking)} in all)") from None


def sound(member, hz):
    return lib.tone_heard(member.call.heard(1), hz)


def hears_and_types(member, question, digits, is_compared):
    """At once: who says nothing for long is rung off."""
    is_heard = (len(member.call.payloads) * crowd.FRAME > len(question)
                and (not is_compared or lib.likeness(member.call.heard(), question) > 0.9))
    if is_heard:
        member.call.press(digits)
    return is_heard


def in_use(hearth):
    return [hearth.metric(name) for name in IN_USE]


def record_for_a_while(hearth, boss, folder):
    """Begun and ended by keys. Returns its samples."""
    boss.call.press("*3")
    lib.wait_for("it records", lambda: hearth.room("4711")["recording"], PATIENCE_S)
    recording = hearth.api("GET", "/api/v1/recordings").json["recordings"][0]
    path = f"/api/v1/recordings/{recording['id']}"
    lib.wait_for("the announcement is over in it", lambda: hearth.api("GET", path).json["length_ms"] > 4000, PATIENCE_S)
    boss.call.press("*3")
    lib.wait_for("it is done", lambda: hearth.api("GET", path).json["state"] == "done", PATIENCE_S)
    return lib.read_wav(next(folder.glob("*.wav")))


@lib.case
def thirty_callers_in_three_codecs():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-rec-"))
    hearth = lib.Hearth(dialin__numbers="8000=en", prompts__path=str(dialin.SOUNDS), prompts__music=str(music()),
                        recordings__path=str(folder), recordings__rate_hz=8000, recordings__format="wav",
                        mixer__workers="2", sip__rate_unlimited="127.0.0.0/8", log__level="info")
    assert hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234", "moderator_pin": "98765",
                                                "wait_for_moderator": True}).status == 201
    ports = hearth.metric("hearth_mixer_ports_free")
    phones = crowd.Crowd("127.0.0.1")
    lib._running.append(phones)
    guests = [phones.member(f"guest{i}", codec=CODECS[i % len(CODECS)]) for i in range(GUESTS)]
    boss = phones.member("boss", VOICE_HZ)
    phones.start()

    question = dialin.recorded("conf-getconfno")
    for guest in guests:
        guest.dial(f"sip:8000@{hearth.host}")
    until_all("answered", guests, lambda guest: guest.up())
    assert not hearth.participants("4711"), "who has no PIN is in the room"
    witnesses = guests[:2 * len(CODECS)]  # comparing takes its time
    until_all("the question is heard", guests, lambda guest: hears_and_types(guest, question, "4711#1234#", guest in witnesses))
    lib.wait_for("all wait", lambda: [p["state"] for p in hearth.participants("4711")] == ["pending"] * GUESTS, PATIENCE_S)
    until_all("music", guests, lambda guest: sound(guest, MUSIC_HZ) > 1000)

    boss.dial(f"sip:8000@{hearth.host}")
    lib.wait_for("the moderator is answered", boss.up, PATIENCE_S)
    boss.call.press("4711#98765#")
    lib.wait_for("all are in", lambda: len(hearth.connected("4711")) == GUESTS + 1, PATIENCE_S)
    until_all("the moderator", guests, lambda guest: sound(guest, VOICE_HZ) > 1500 and sound(guest, MUSIC_HZ) < 300)
    codecs = {p["codec"] for p in hearth.connected("4711")}
    assert codecs == set(CODECS), codecs

    samples = record_for_a_while(hearth, boss, folder)
    heard = [guest.call.heard(30) for guest in witnesses]  # before comparing, which takes its time
    # Under the announcement, with which it begins, who talks is lowered.
    pieces = [samples[at:at + lib.RATE // 5] for at in range(0, len(samples), lib.RATE // 5)]
    assert max(lib.tone_level(piece, VOICE_HZ) for piece in pieces) > 2000, "the moderator is not in the recording"
    announced = dialin.recorded("conf-now-recording")
    alike = [lib.likeness(sounds, announced) for sounds in heard]
    assert min(alike) > 0.6, f"the announcement: {alike}"

    ticks = [hearth.metric(f"hearth_mixer_{name}") for name in ("ticks_total", "ticks_late_total", "ticks_skipped_total")]
    for member in guests + [boss]:
        member.hang_up()
    lib.wait_for("nothing is left", lambda: in_use(hearth) == [0] * len(IN_USE), PATIENCE_S)
    # One that calls share stays open at each worker.
    lib.wait_for("the ports are free", lambda: ports - hearth.metric("hearth_mixer_ports_free") <= 2, PATIENCE_S)
    phones.stop()
    hearth.stop()
    print("# ticks %d, late %d, skipped %d; " % tuple(ticks) + f"the phones were late by {1000 * phones.late:.0f} ms at most")


lib.main()
