#!/usr/bin/python3
"""Sound in rooms that mix otherwise than all together: the loudest only, and spread over workers."""
import lib

TONES = {"anna": 400, "bert": 620, "carl": 900, "dora": 1300}
HEARD, NOT_HEARD = 0.7, 0.1  # of the amplitude that was sent


def meeting(hearth, room, amplitudes):
    phones = {name: lib.Phone(hearth, name, samples=lib.tone(TONES[name], 1, amplitude)) for name, amplitude in amplitudes.items()}
    for phone in phones.values():
        assert phone.invite(room).status == 200
    lib.wait_for("all are in", lambda: len(hearth.connected(room)) == len(phones), 30)
    return phones


def check(phones, amplitudes, who, hears):
    """Waits until `who` hears those and nobody else."""
    def shares():
        sound = phones[who].rtp.heard(1)
        return {name: lib.tone_heard(sound, TONES[name]) / amplitude for name, amplitude in amplitudes.items() if amplitude}

    def is_right():
        return all(share > HEARD if name in hears else share < NOT_HEARD for name, share in shares().items())
    try:
        lib.wait_for(f"{who} hears {hears}", is_right, 30, 0.25)
    except AssertionError as error:
        raise AssertionError(f"{error}: {shares()}") from error


@lib.case
def only_the_loudest_are_heard():
    hearth = lib.Hearth()
    amplitudes = {"anna": 0, "bert": 1000, "carl": 4000, "dora": 8000}
    assert hearth.api("POST", "/api/v1/rooms", {"id": "hall", "loudest": 2}).status == 201
    phones = meeting(hearth, "hall", amplitudes)
    check(phones, amplitudes, "anna", ("carl", "dora"))
    check(phones, amplitudes, "bert", ("carl", "dora"))
    check(phones, amplitudes, "dora", ("carl",))
    assert hearth.api("PATCH", "/api/v1/rooms/hall", {"loudest": None}).status == 200
    check(phones, amplitudes, "anna", ("bert", "carl", "dora"))
    hearth.stop()


@lib.case
def a_room_that_is_spread_has_one_sound():
    hearth = lib.Hearth(mixer__workers=2, mixer__spread_legs=2, mixer__spread_load=0)
    amplitudes = dict.fromkeys(TONES, 2000)
    phones = meeting(hearth, "arena", amplitudes)
    for name in phones:
        check(phones, amplitudes, name, [other for other in TONES if other != name])
    phones.pop("anna").bye()
    check(phones, amplitudes, "bert", ("carl", "dora"))
    for phone in phones.values():
        phone.bye()
    lib.wait_for("all have left", lambda: not hearth.connected("arena"), 30)
    amplitudes = {"anna": 2000, "bert": 2000}
    check(meeting(hearth, "arena", amplitudes), amplitudes, "anna", ("bert",))
    hearth.stop()


lib.main()
