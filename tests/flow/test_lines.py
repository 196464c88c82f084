#!/usr/bin/python3
"""What people are told of a line that suffers: flags of a participant, from real packets to the API."""
import numpy

import lib

SYLLABLES = numpy.repeat(numpy.random.default_rng(7).choice([0.02, 0.1, 0.4, 1.0], 60), 1600)  # loudness, 200 ms each, 12 s


def flags(hearth, name):
    return next((p["flags"] for p in hearth.participants("line") if name in p["uri"]), [])


@lib.case
def a_phone_that_sends_nothing_is_one_way():
    hearth = lib.Hearth()
    anna, mute = lib.Phone(hearth, "anna"), lib.Phone(hearth, "mute")
    start, mute.rtp.start = mute.rtp.start, lambda remote: None
    assert anna.invite("line").status == 200 and mute.invite("line").status == 200
    lib.wait_for("it is told", lambda: flags(hearth, "mute") == ["one_way"], 60)
    start(mute.response.rtp())
    lib.wait_for("and over when sound comes", lambda: flags(hearth, "mute") == [], 60)
    lib.wait_for("counted", lambda: hearth.metric('hearth_leg_flags_total{flag="one_way"}') == 1, 10)
    hearth.stop()


@lib.case
def a_phone_that_sends_back_what_it_hears_is_an_echo():
    hearth = lib.Hearth()
    talker = lib.Phone(hearth, "talker", samples=(SYLLABLES * lib.tone(700, 12, 12000)).astype(numpy.int16))
    echo = lib.Phone(hearth, "echo")
    send = echo.rtp._send

    def send_back(at):
        heard = echo.rtp.packets[-8][4] if len(echo.rtp.packets) > 8 else b""
        if len(heard) == lib.FRAME:
            octets = lib.ulaw_encode(lib.ulaw_decode(heard) * 0.3)
            echo.rtp.loop = lib.FRAME, octets * 3
        send(at)
    echo.rtp._send = send_back
    assert talker.invite("line").status == 200 and echo.invite("line").status == 200
    lib.wait_for("it is told", lambda: "echo" in flags(hearth, "echo"), 90)
    assert "echo" not in flags(hearth, "talker")
    hearth.stop()


lib.main()
