#!/usr/bin/python3
"""The event packages dialog (RFC 4235), presence (RFC 3856) and message-summary (RFC 3842, seeds S5) on the wire, by a
phone written by hand and by SIPp."""
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


def leave(hearth, mailbox, **message):
    answer = hearth.api("POST", f"/api/v1/mailboxes/{mailbox}/messages", message)
    assert answer.status == 201, answer.text
    return answer.json


@lib.case
def mailbox_by_sipp():
    hearth = lib.Hearth(sip__registrar="users")
    for name in ("alice", "carol"):
        assert hearth.api("POST", "/api/v1/users", {"name": name, "password": "secret"}).status == 201
    for i in range(12):
        message = leave(hearth, "alice", kind="voice", urgent=i in (0, 4, 5))
        if i >= 4:
            path = f"/api/v1/mailboxes/alice/messages/{message['id']}"
            assert hearth.api("PATCH", path, {"read": True}).json["read"]
    events = lib.Events(hearth)

    def another():
        lib.wait_for("the phone", lambda: hearth.metric('hearth_subscriptions{package="message-summary"}') == 1)
        leave(hearth, "alice", kind="voice", urgent=True, subject="carpool tomorrow?", **{"from": "sip:bob@biloxi.example.com"},
              from_name="Bob")

    caller = threading.Thread(target=another)
    caller.start()
    lib.sipp(hearth, "summary.xml", "-key", "user", "alice")
    caller.join()
    lib.sipp(hearth, "summary_fetch.xml", "-key", "user", "carol")
    assert events.wait("mailbox.message_added")["mail"]["subject"] == "carpool tomorrow?"
    events.stop()
    stranger = lib.Phone(hearth, "mallory")
    assert subscribe(stranger, "alice", "message-summary").status == 403
    again = lib.Hearth(hearth.directory) if not hearth.stop() else None
    assert again.api("GET", "/api/v1/mailboxes/alice").json["voice"] == {"new": 5, "old": 8, "new_urgent": 2, "old_urgent": 2}
    assert again.api("DELETE", "/api/v1/users/alice").status == 204
    assert again.api("GET", "/api/v1/mailboxes").json == {"mailboxes": [], "next": None}
    again.stop()


@lib.case
def dialogs_of_a_room():
    hearth = lib.Hearth(focus__dialog_tags="true")
    caller = lib.Phone(hearth, "caller")
    assert caller.invite("board").status == 200
    assert caller.response.get("Allow-Events") == "conference, dialog, message-summary, presence, refer"
    called = lib.Phone(hearth, "called")
    hearth.api("POST", "/api/v1/rooms/board/participants", {"uri": f"sip:called@127.0.0.1:{called.port}"})
    invite = called.wait_request("INVITE")
    assert invite.get("Allow-Events") == "conference, refer", invite.get("Allow-Events")
    called.answer(invite, 486, "Busy Here")
    called.wait_request("ACK")
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
