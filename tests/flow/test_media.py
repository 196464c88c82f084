#!/usr/bin/python3
"""Codecs and encryption with real phones: who speaks what, everybody hears everybody."""
import subprocess
import tempfile

import lib

HEARD, ABSENT = 0.35, 0.3  # of three voices that speak at a time on a busy machine; one's own has about 0.15
VOICES = {
    "anna": ("en+f3", "The quick brown fox jumps over the lazy dog while the rain in Spain stays mainly in the plain"),
    "bert": ("en", "Peter Piper picked a peck of pickled peppers and she sells sea shells by the sea shore today"),
    "carl": ("en+m3", "How much wood would a woodchuck chuck if a woodchuck could chuck wood in the forest at night"),
}


def assert_everybody_hears_the_others(heard):
    for listener, voices in heard.items():
        for speaker, likeness in voices.items():
            is_right = likeness < ABSENT if speaker == listener else likeness > HEARD
            assert is_right, f"{listener} and {speaker}: {likeness:.2f} in {heard}"


def talk(hearth, phones, room):
    """`phones`: {name: what Baresip takes}. Returns who heard whom, and the roster while they talked."""
    directory = tempfile.mkdtemp(prefix="voices-")
    spoken, wavs = {}, {}
    for name, options in phones.items():
        voice, text = VOICES[name]
        spoken[name] = lib.speech(f"{directory}/{name}.wav", text, voice, speed=200, times=2)  # who comes late hears it yet
        wav, rate = f"{directory}/{name}.wav", options.get("rate", lib.RATE)
        if rate != lib.RATE:
            wav = f"{directory}/{name}-{rate}.wav"
            subprocess.run(["sox", f"{directory}/{name}.wav", "-r", str(rate), wav], check=True)
        wavs[name] = wav
    started = {name: lib.Baresip(name, wavs[name], f"sip:{room}@{hearth.host}", **options) for name, options in phones.items()}
    lib.wait_for("all connected", lambda: len(hearth.connected(room)) == len(phones), 30)
    roster = {name: next(p for p in hearth.connected(room) if f"sip:{name}@" in p["uri"]) for name in phones}
    for phone in started.values():
        lib.wait_for(f"{phone.name} hangs up", phone.ended, 30)
    return {name: {other: lib.likeness(phone.heard(), spoken[other]) for other in phones}
            for name, phone in started.items()}, roster


@lib.case
def opus_g722_and_g711_in_one_room():
    hearth = lib.Hearth()
    heard, roster = talk(hearth, {
        "anna": {"media": ("opus",), "rate": 48000},
        "bert": {"media": ("g722",), "rate": 16000},
        "carl": {"media": ("g711",)},
    }, "codecs")
    assert {name: p["codec"] for name, p in roster.items()} == {"anna": "opus", "bert": "G722", "carl": "PCMU"}, roster
    assert_everybody_hears_the_others(heard)
    hearth.stop()


@lib.case
def encrypted_and_plain_in_one_room():
    hearth = lib.Hearth()
    heard, roster = talk(hearth, {
        "anna": {"media": ("g711", "srtp"), "more": ";mediaenc=srtp-mand"},
        "bert": {"media": ("g711", "srtp"), "more": ";mediaenc=srtp"},
        "carl": {},
    }, "secret")
    assert [roster[name]["encrypted"] for name in ("anna", "bert", "carl")] == [True, True, False], roster
    assert_everybody_hears_the_others(heard)
    assert "srtp.key_in_the_clear" in hearth.log_text(), "keys over UDP are worth a warning"
    hearth.stop()


@lib.case
def required_encryption_turns_plain_calls_away():
    hearth = lib.Hearth(media__srtp="required")
    directory = tempfile.mkdtemp(prefix="voices-")
    lib.speech(f"{directory}/anna.wav", VOICES["anna"][1], "en", 3)
    plain = lib.Baresip("carl", f"{directory}/anna.wav", f"sip:closed@{hearth.host}")
    lib.wait_for("488", lambda: "488" in plain.log_text(), 30)
    secret = lib.Baresip("anna", f"{directory}/anna.wav", f"sip:closed@{hearth.host}", media=("g711", "srtp"),
                         more=";mediaenc=srtp-mand")
    lib.wait_for("the encrypted one", lambda: len(hearth.connected("closed")) == 1, 30)
    assert hearth.connected("closed")[0]["encrypted"]
    lib.wait_for("it hangs up", secret.ended, 30)
    hearth.stop()


lib.main()
