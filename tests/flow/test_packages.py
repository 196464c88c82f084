#!/usr/bin/python3
"""The event packages dialog (RFC 4235) and presence (RFC 3856) on the wire, by a phone written by hand and by SIPp."""
import signal
import threading
import xml.etree.ElementTree as xml

import lib
from events import notify, state, subscribe

PIDF = "{urn:ietf:params:xml:ns:pidf}"
RPID = "{urn:ietf:params:xml:ns:pidf:rpid}"
DIALOG = "{urn:ietf:params:xml:ns:dialog-info}"


def register(phone, expires=60):
    phone.send(phone.request("REGISTER", f"sip:{phone.hearth.host}", f"Expires: {expires}\r\n",
                             to=f"<sip:{phone.name}@{phone.hearth.host}>"))
    assert phone.final().status == 200


def presence_of(message):
    """(basic, activities) of a document; fails when it is none."""
    assert message.get("Content-Type") == "application/pidf+xml", message.get("Content-Type")
    root = xml.fromstring(message.body)
    assert root.tag == PIDF + "presence", root.tag
    return root.find(f".//{PIDF}basic").text, [a.tag.replace(RPID, "") for a in root.findall(f".//{RPID}activities/*")]


def dialogs_of(message):
    """(version, state, {id: (direction, state, event)})"""
    assert message.get("Content-Type") == "application/dialog-info+xml", message.get("Content-Type")
    root = xml.fromstring(message.body)
    found = {}
    for d in root.findall(DIALOG + "dialog"):
        now = d.find(DIALOG + "state")
        found[d.get("id")] = (d.get("direction"), now.text, now.get("event"))
    return int(root.get("version")), root.get("state"), found


@lib.case
def presence_of_a_user():
    hearth = lib.Hearth(sip__registrar="open")
    desk = lib.Phone(hearth, "desk")
    register(desk)
    lamp = lib.Phone(hearth, "lamp")
    assert subscribe(lamp, "desk", "presence", headers="Accept: application/pidf+xml\r\n").status == 200
    first = notify(lamp)
    assert presence_of(first) == ("open", []), first.body
    assert hearth.metric('hearth_subscriptions{package="presence"}') == 1
    assert desk.invite("hall").status == 200
    assert presence_of(notify(lamp)) == ("open", ["on-the-phone"])
    # Presence may be told every 5 s only: what follows at once comes in one.
    desk.bye()
    register(desk, 0)
    gone = notify(lamp)
    assert presence_of(gone) == ("closed", []), gone.body
    assert subscribe(lamp, "desk", "presence", expires=0).status == 200
    assert state(notify(lamp)) == "terminated;reason=timeout"
    hearth.stop()


@lib.case
def presence_by_sipp():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "board"})
    lib.sipp(hearth, "presence.xml", "-key", "room", "board")
    hearth.stop()


@lib.case
def dialogs_of_a_room():
    hearth = lib.Hearth(focus__dialog_tags="true")
    caller = lib.Phone(hearth, "caller")
    assert caller.invite("board").status == 200
    for transport in ("udp", "tcp"):
        lamp = lib.Phone(hearth, "lamp-" + transport, transport)
        assert subscribe(lamp, "board", "dialog").status == 200
        first = notify(lamp)
        version, kind, dialogs = dialogs_of(first)
        assert (version, kind) == (0, "full") and list(dialogs.values()) == [("recipient", "confirmed", None)], first.body
        assert f'call-id="{caller.call_id}"' in first.body, first.body
        assert f'remote-tag="{caller.tag}"' in first.body, first.body
        other = lib.Phone(hearth, "other-" + transport)
        assert other.invite("board").status == 200
        version, kind, dialogs = dialogs_of(notify(lamp))
        assert (version, kind, len(dialogs)) == (1, "partial", 1), dialogs
        other.bye()
        version, kind, dialogs = dialogs_of(notify(lamp))
        assert (version, kind) == (2, "partial") and list(dialogs.values()) == [("recipient", "terminated", "remote-bye")]
        assert subscribe(lamp, "board", "dialog", expires=0).status == 200
        last = notify(lamp)
        assert state(last) == "terminated;reason=timeout" and dialogs_of(last)[:2] == (3, "full"), last.body
        lamp.stop()
    hearth.stop()


@lib.case
def refused():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "board"})
    cases = [  # user, event, headers, body, status, a field of the answer
        ("nobody", "presence", "", "", 404, None),
        ("nobody", "dialog", "", "", 404, None),
        ("board", "presence", "Accept: application/xpidf+xml\r\n", "", 406, None),
        ("board", "dialog", "", "<filter/>", 415, "Accept"),
        ("board", "presence", "Content-Disposition: session;handling=optional\r\n", "<filter/>", 200, None),
        ("board", "presence.winfo", "", "", 489, "Allow-Events"),
    ]
    for user, event, headers, body, status, field in cases:
        phone = lib.Phone(hearth, "phone")
        phone.send(phone.request("SUBSCRIBE", f"sip:{user}@{hearth.host}", f"Event: {event}\r\nExpires: 600\r\n{headers}",
                                 body, "application/simple-filter+xml"))
        response = phone.final()
        assert response.status == status, f"{user} {event}: {response.start}"
        assert not field or any(name.lower() == field.lower() for name, _ in response.fields), f"{event}: no {field}"
        phone.stop()
    hearth.stop()


@lib.case
def who_goes_down_says_so():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "board"})
    lamp, roster = lib.Phone(hearth, "lamp"), lib.Phone(hearth, "roster")
    assert subscribe(lamp, "board", "presence").status == 200
    assert subscribe(roster, "board", "conference").status == 200
    notify(lamp), notify(roster)
    ends = {}
    waiting = threading.Thread(target=lambda: ends.update(roster=state(notify(roster))))
    waiting.start()
    hearth.process.send_signal(signal.SIGTERM)
    ends["lamp"] = state(notify(lamp))
    waiting.join()
    assert set(ends.values()) == {"terminated;reason=deactivated"}, ends
    hearth.process.wait(15)
    hearth.stop()


if __name__ == "__main__":
    lib.main()
