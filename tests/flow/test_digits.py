#!/usr/bin/python3
"""A room's number and PIN typed in each of the ways that there are: telephone-events (RFC 4733), both bodies of INFO,
tones in the sound; by SIPp, and by baresip (whose events are typed in test_dialin.py)."""
import pathlib
import tempfile
import urllib.parse

import dialin
import ladder
import lib

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477)
SIGNS = "123456789*0#"
TYPED = "4711#1234#"

OFFER = """v=0
o=- 1 %(version)d IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 0%(event)s
a=ptime:20
"""


def offer(version=1, event=""):
    """`event`: payload type of telephone-event."""
    lines = f"a=rtpmap:{event} telephone-event/8000\na=fmtp:{event} 0-15\n" if event else ""
    return OFFER % {"version": version, "event": f" {event}" if event else ""} + lines


def tones(digits):
    """As keypads sound (ITU-T Q.23), 80 ms each with as long a pause."""
    def key(sign):
        at = SIGNS.index(sign)
        return lib.tone(LOW[at // 3], 0.08, 4000) + lib.tone(HIGH[at % 3], 0.08, 4000)
    pause = lib.numpy.zeros(int(0.08 * lib.RATE), lib.numpy.int16)
    return lib.numpy.concatenate([part for sign in digits for part in (key(sign), pause)])


def caller(hearth, name, digits, event=""):
    """Dials the number; `digits(caller)` adds what types; is let in, which a re-INVITE tells; hangs up at last."""
    sipp = ladder.Caller(hearth, "8000", name)
    sipp.send("INVITE", body=offer(event=event))
    sipp.recv(100, optional=True)
    sipp.recv(200)
    sipp.ack()
    sipp.pause(500)
    digits(sipp)
    sipp._recv('request="INVITE"', Contact=r"sip:4711@.*isfocus")
    sipp._send("SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
               f"Contact: <sip:{name}@[local_ip]:[local_port]>\n", offer(2, event))
    sipp._recv('request="ACK"')
    sipp.pause(500)
    sipp.send("BYE")
    sipp.recv(200)
    return sipp


def by_events(sipp):
    sipp.steps.append(f'<nop><action><exec play_dtmf="{TYPED}"/></action></nop>')


def by_tones(sipp):
    (sipp.directory / "typed.ulaw").write_bytes(lib.ulaw_encode(tones(TYPED)))
    sipp.steps.append('<nop><action><exec rtp_stream="typed.ulaw,1,0"/></action></nop>')


def by_info(content_type, body):
    def type_them(sipp):
        for digit in TYPED:
            sipp.send("INFO", body=body % digit, content_type=content_type)
            sipp.recv(200, dialog=False)
    return type_them


def infos(hearth, call_id):
    """INFO requests of a call, as they are kept."""
    trace = hearth.api("GET", f"/api/v1/trace/{urllib.parse.quote(call_id, safe='')}").json
    return [m["text"] for m in trace["messages"] if m["text"].startswith("INFO ")]


def told_nowhere(text):
    """Neither what was typed nor a part of it that would tell."""
    return not any(part in text for part in ("1234", "Signal=1", "Signal=4", "\r\n\r\n1", "\r\n\r\n4"))


WAYS = {
    "events": (by_events, "96"),
    "relay": (by_info("application/dtmf-relay", "Signal=%s\nDuration=160\n"), ""),
    "dtmf": (by_info("application/dtmf", "%s"), ""),
    "tones": (by_tones, ""),
}


@lib.case
def sipp_types_in_each_way():
    hearth = lib.Hearth(dialin__numbers="8000=en", prompts__path=str(dialin.SOUNDS), rooms__inband_dtmf="true")
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234"})
    events = lib.Events(hearth)
    callers = [caller(hearth, name, digits, event) for name, (digits, event) in WAYS.items()]
    for each in callers:
        each.start(seconds=40)
    for each in callers:
        each.finish()
    for name in WAYS:
        joined = lib.wait_for(f"{name} has come in", lambda: [e for e in events.named("participant.joined")
                                                              if f"sip:{name}@" in e["participant"]["uri"]])
        assert len(joined) == 1, f"{name}: {len(joined)} came in"
        kept = infos(hearth, joined[0]["participant"]["call_id"])
        assert len(kept) == (len(TYPED) if name in ("relay", "dtmf") else 0), f"{name}: {len(kept)} INFO"
        assert all(map(told_nowhere, kept)), kept
    assert not events.named("dtmf"), "digits of a PIN are told"
    lib.wait_for("nobody is left", lambda: not hearth.participants("4711"), 30)
    assert told_nowhere(hearth.log_text()), "what was typed is in the log"
    hearth.stop()


@lib.case
def baresip_says_the_tones():
    """As somebody does who holds another phone to it: nothing but sound, in a line that has telephone-event as well."""
    hearth = lib.Hearth(dialin__numbers="8000=en", prompts__path=str(dialin.SOUNDS), rooms__inband_dtmf="true")
    hearth.api("POST", "/api/v1/rooms", {"id": "4711", "pin": "1234"})
    voice = pathlib.Path(tempfile.mkdtemp(prefix="hearth-tones-")) / "voice.wav"
    quiet = lib.numpy.zeros(lib.RATE, lib.numpy.int16)
    lib.write_wav(voice, lib.numpy.concatenate([quiet, tones(TYPED), lib.numpy.tile(quiet, 30)]))
    phone = lib.Baresip("tonia", voice, dial=f"sip:8000@{hearth.host}")
    lib.wait_for("it is in", lambda: hearth.connected("4711"), 30)
    phone.stop()
    lib.wait_for("and out", lambda: not hearth.participants("4711"), 30)
    hearth.stop()


lib.main()
