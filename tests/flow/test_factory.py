#!/usr/bin/python3
"""The conference factory (RFC 4579 5.4) and the life of rooms."""
import re
import time

import lib


def isfocus(message):
    """The Contact's header parameters name isfocus (RFC 4579 5.2)."""
    return re.search(r">\s*;.*\bisfocus\b", message.get("Contact")) is not None


@lib.case
def factory_gives_a_conference_that_others_reach():
    hearth = lib.Hearth()
    host, guest = (lib.Phone(hearth, name, samples=lib.tone(hz, 1)) for name, hz in (("host", 440), ("guest", 700)))
    made = host.invite("conference-factory")
    assert made.status == 200 and isfocus(made), made.fields
    uri = made.contact_uri()
    room = re.match(r"sip:(conf-[a-z0-9]+)@", uri).group(1)
    joined = guest.invite(None, uri=uri)
    assert joined.status == 200 and joined.contact_uri() == uri and isfocus(joined), joined.fields
    hearth.wait_connected(room, 2)
    for phone, others, own in ((host, 700, 440), (guest, 440, 700)):
        lib.hears(phone, others, above=2000)
        lib.hears_not(phone, own)
    assert host.bye().status == 200 and guest.bye().status == 200
    hearth.stop()


@lib.case
def each_call_to_the_factory_makes_another_room():
    hearth = lib.Hearth()
    phones = [lib.Phone(hearth, f"p{i}") for i in range(3)]
    uris = {phone.invite(user).contact_uri() for phone, user in zip(phones, ("conference-factory", "conf-factory", "conf-factory"))}
    assert len(uris) == 3, uris
    hearth.stop()


@lib.case
def factory_room_waits_for_the_second_party():
    for grace_s, comes_back in ((600, True), (2, False)):
        hearth = lib.Hearth(rooms__grace_s=grace_s)
        host, late = lib.Phone(hearth, "host"), lib.Phone(hearth, "late")
        uri = host.invite("conference-factory").contact_uri()
        room = uri[4:].split("@")[0]
        left = time.monotonic()
        host.bye()
        if comes_back:
            assert hearth.room(room) is not None, "the room died with its host"
            assert late.invite(None, uri=uri).status == 200
        else:
            lib.wait_for("the room ends after its grace", lambda: hearth.room(room) is None)
            assert time.monotonic() - left > grace_s - 0.1, "the room did not wait"
        hearth.stop()


@lib.case
def dialled_room_ends_with_its_last_participant():
    hearth = lib.Hearth()
    one, two = lib.Phone(hearth, "one"), lib.Phone(hearth, "two")
    for phone in (one, two):
        answer = phone.invite("kitchen")
        assert answer.status == 200 and isfocus(answer), answer.fields
    one.bye()
    assert hearth.room("kitchen") is not None
    two.bye()
    lib.wait_for("the room is gone", lambda: hearth.room("kitchen") is None)
    hearth.stop()


@lib.case
def unknown_room_is_404_when_rooms_are_not_made_by_calls():
    hearth = lib.Hearth(rooms__autocreate="false")
    assert lib.Phone(hearth).invite("nowhere").status == 404
    assert hearth.api("POST", "/api/v1/rooms", {"id": "hall"}).status == 201
    assert lib.Phone(hearth).invite("hall").status == 200
    hearth.stop()


@lib.case
def central_factory_is_named_in_a_302():
    hearth = lib.Hearth(focus__central_factory="sip:conf-factory@127.0.0.2")
    answer = lib.Phone(hearth).invite("conference-factory")
    assert answer.status == 302 and "sip:conf-factory@127.0.0.2" in answer.get("Contact"), answer.fields
    hearth.stop()


@lib.case
def rooms_of_the_api_survive_a_restart():
    hearth = lib.Hearth()
    made = hearth.api("POST", "/api/v1/rooms", {"id": "board", "locked": True, "max_participants": 7})
    assert made.status == 201 and made.headers["Location"].endswith("/rooms/board"), made.text
    hearth.stop()
    again = lib.Hearth(directory=hearth.directory)
    room = again.room("board")
    assert room and room["locked"] is True and room["max_participants"] == 7, room
    again.stop()


lib.main()
