#!/usr/bin/python3
"""Real phones in one room: everybody hears the others and not itself."""
import re
import shlex
import tempfile
import threading

import lib

HEARD, ABSENT = 0.5, 0.3  # likeness of what is mixed with one other voice; of a voice that is not there
VOICES = {
    "anna": ("en+f3", "The quick brown fox jumps over the lazy dog while the rain in Spain stays mainly in the plain"),
    "bert": ("en", "Peter Piper picked a peck of pickled peppers and she sells sea shells by the sea shore today"),
    "carl": ("en+m3", "How much wood would a woodchuck chuck if a woodchuck could chuck wood in the forest at night"),
}


def talk(hearth, transports, room="lobby"):
    """Three baresips speak at a time in one room; returns {listener: {speaker: likeness}}."""
    directory = tempfile.mkdtemp(prefix="voices-")
    spoken = {name: lib.speech(f"{directory}/{name}.wav", text, voice, speed=200, times=2) for name, (voice, text) in VOICES.items()}
    phones = {name: lib.Baresip(name, f"{directory}/{name}.wav", f"sip:{room}@{hearth.host}", transport)
              for name, transport in zip(VOICES, transports)}
    lib.wait_for("three connected", lambda: len(hearth.connected(room)) == 3, 30)
    for phone in phones.values():
        lib.wait_for(f"{phone.name} hangs up", phone.ended, 30)
    return {name: {other: lib.likeness(phone.heard(), spoken[other]) for other in VOICES} for name, phone in phones.items()}


def assert_everybody_hears_the_others(heard):
    for listener, voices in heard.items():
        for speaker, likeness in voices.items():
            if speaker == listener:
                assert likeness < ABSENT, f"{listener} hears itself: {likeness:.2f} in {heard}"
            else:
                assert likeness > HEARD, f"{listener} does not hear {speaker}: {likeness:.2f} in {heard}"


@lib.case
def three_baresips_over_udp():
    hearth = lib.Hearth()
    assert_everybody_hears_the_others(talk(hearth, ("udp", "udp", "udp")))
    lib.wait_for("the room ended with its last participant", lambda: hearth.room("lobby") is None)
    hearth.stop()


@lib.case
def the_call_of_the_readme():
    """By a phone that nobody has set up, with the command that README.md gives."""
    command = re.search(r"`(baresip -e [^`]+)`", (lib.ROOT / "README.md").read_text())[1]
    hearth = lib.Hearth()
    texts = [word for word in shlex.split(command)[1:] if word != "-e"]
    assert any("192.0.2.10" in text for text in texts), command
    wav = f"{tempfile.mkdtemp(prefix='readme-')}/hum.wav"
    lib.write_wav(wav, lib.tone(440, 10))
    phone = lib.Baresip("reader", wav, account="", commands=[text.replace("192.0.2.10", hearth.host) for text in texts])
    lib.wait_for("it is in the lobby", lambda: len(hearth.connected("lobby")) == 1, 30)
    phone.stop()
    hearth.stop()


@lib.case
def udp_and_tcp_in_one_room():
    hearth = lib.Hearth()
    assert_everybody_hears_the_others(talk(hearth, ("udp", "tcp", "tcp"), "mixed"))
    hearth.stop()


@lib.case
def sipp_legs_hear_each_other():
    """SIPp does the signalling of three legs, we speak and listen at the ports that it names."""
    hearth = lib.Hearth()
    tones = (440, 620, 910)
    legs = [lib.Rtp(lib.tone(hz, 1)) for hz in tones]
    failures = []

    def run(leg, transport):
        try:
            lib.sipp(hearth, "talk.xml", "-key", "rtp_port", leg.port, "-key", "room", "sipp-room", transport=transport)
        except AssertionError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=run, args=(leg, transport)) for leg, transport in zip(legs, ("u1", "u1", "t1"))]
    for thread in threads:
        thread.start()
    lib.wait_for("three connected", lambda: len(hearth.connected("sipp-room")) == 3, 30)
    # SIPp keeps the server's media ports to itself; RTP finds them by the roster's count being exact and by
    # the server sending to the address of our SDP first, from which we learn where to send.
    for leg in legs:
        leg.start(leg.first_sender())
    for leg, own in zip(legs, tones):
        lib.hears(leg, *(hz for hz in tones if hz != own), above=2000)
        lib.hears_not(leg, own)
    assert hearth.api("DELETE", "/api/v1/rooms/sipp-room").status == 204
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    hearth.stop()


lib.main()
