#!/usr/bin/python3
"""Shared media ports: phones of a host that sends from where it says sit in one port, hear each other, and nobody else."""
import lib

TONES = (440, 700, 1100)


def prove(hearth):
    """A first call shows that sound from 127.0.0.1 comes from where it is signalled."""
    first = lib.Phone(hearth, "first")
    response = first.invite("proof")
    lib.wait_for("the first is heard", lambda: len(first.rtp.packets) > 10)
    assert first.bye().status == 200
    return response.rtp()


def talkers(hearth, room):
    phones = [lib.Phone(hearth, f"phone{hz}", samples=lib.tone(hz, 1)) for hz in TONES]
    ports = [phone.invite(room).rtp() for phone in phones]
    return phones, ports


def check_hearing(phones):
    def is_right():
        for phone, own in zip(phones, TONES):
            for hz in TONES:
                if (phone.rtp.tone(hz) > 2000) != (hz != own):
                    return False
        return True
    lib.wait_for("each hears the two others and not itself", is_right, 30)


@lib.case
def proven_phones_share_a_port():
    hearth = lib.Hearth(mixer__workers=1)  # each worker has ports of its own
    alone = prove(hearth)
    phones, ports = talkers(hearth, "lobby")
    assert ports[0] == ports[1] == ports[2] != alone, (alone, ports)
    check_hearing(phones)
    for phone in phones:
        assert phone.bye().status == 200
    phones, again = talkers(hearth, "lobby")
    assert again == ports, (ports, again)
    check_hearing(phones)
    hearth.stop()


@lib.case
def strangers_are_not_heard_in_a_shared_port():
    hearth = lib.Hearth()
    prove(hearth)
    phones, ports = talkers(hearth, "lobby")
    check_hearing(phones)
    before = hearth.metric("hearth_rtp_discarded_packets_total")
    stranger = lib.Rtp(lib.tone(2000, 1))
    stranger.start(ports[0])
    other = lib.Rtp(lib.tone(2500, 1), address="127.0.0.2")
    other.start(ports[0])
    lib.wait_for("they speak", lambda: hearth.metric("hearth_rtp_discarded_packets_total") > before + 100)
    check_hearing(phones)
    for phone in phones:
        lib.hears_not(phone, 2000, 2500)
    assert not stranger.packets and not other.packets, "sound was sent to a stranger"
    hearth.stop()


@lib.case
def a_phone_that_sends_from_elsewhere_is_followed():
    hearth = lib.Hearth()
    prove(hearth)
    mover = lib.Phone(hearth, "mover", samples=lib.tone(440, 1))
    response = mover.invite("lobby", body=mover.sdp().replace(f"m=audio {mover.rtp.port} ", f"m=audio {lib.free_port()} "))
    shared = response.rtp()
    mover.rtp.start(shared)
    lib.wait_for("it is sent to where it is", lambda: len(mover.rtp.packets) > 10)
    listener = lib.Phone(hearth, "listener")
    assert listener.invite("lobby").rtp() != shared, "the host has moved: its phones have ports of their own"
    lib.hears(listener, 440, above=2000)
    hearth.stop()


@lib.case
def nothing_is_shared_when_it_is_switched_off():
    hearth = lib.Hearth(media__shared_ports="false")
    prove(hearth)
    phones, ports = talkers(hearth, "lobby")
    assert len(set(ports)) == 3, ports
    check_hearing(phones)
    hearth.stop()


if __name__ == "__main__":
    lib.main()
