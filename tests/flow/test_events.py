#!/usr/bin/python3
"""Subscriptions and transfers on the wire, by a phone written by hand: seeds row S5 and RFC 6665 from the
subscriber's side, REFER with and without a subscription (RFC 3515, 4488, 7614), what is refused how."""
import re

import lib
from events import notify, state, subscribe


def room_with(hearth, name):
    hearth.api("POST", "/api/v1/rooms", {"id": name})


def quiet(phone, seconds=1.0):
    message = phone.receive(seconds)
    assert message is None, f"{phone.name}: {message.start}"


@lib.case
def whole_life_of_a_subscription():
    hearth = lib.Hearth(focus__roster="all")
    room_with(hearth, "life")
    for transport in ("udp", "tcp"):
        watcher = lib.Phone(hearth, "watcher-" + transport, transport)
        response = subscribe(watcher, "life", "conference;id=x")
        assert response.status == 200, response.start
        assert 0 < int(response.get("Expires")) <= 600
        assert "isfocus" in response.get("Contact")
        first = notify(watcher)
        assert first.get("Event") == "conference;id=x", first.get("Event")
        assert re.match(r"active;expires=\d+", state(first)), state(first)
        assert 'state="full"' in first.body, first.body

        # A change: somebody joins, and goes.
        caller = lib.Phone(hearth, "caller-" + transport)
        assert caller.invite("life").status == 200
        joined = notify(watcher)
        while "connected" not in joined.body:
            joined = notify(watcher)
        assert "caller-" + transport in joined.body, joined.body
        caller.bye()
        gone = notify(watcher)
        while "deleted" not in gone.body and caller.name in gone.body:
            gone = notify(watcher)

        # Refresh in the dialog: the whole state again.
        assert subscribe(watcher, "life", "conference;id=x", 300).status == 200
        again = notify(watcher)
        while 'state="full"' not in again.body:
            again = notify(watcher)
        assert int(re.search(r"expires=(\d+)", state(again)).group(1)) <= 300

        # The end, and after the end.
        assert subscribe(watcher, "life", "conference;id=x", 0).status == 200
        last = notify(watcher)
        while not state(last).startswith("terminated"):
            last = notify(watcher)
        assert state(last) == "terminated;reason=timeout", state(last)
        quiet(watcher, 0.5)
        assert subscribe(watcher, "life", "conference;id=x").status == 481
    hearth.stop()


@lib.case
def fetch_is_one_notify():
    hearth = lib.Hearth(focus__roster="all")
    room_with(hearth, "fetch")
    phone = lib.Phone(hearth, "fetcher")
    assert subscribe(phone, "fetch", expires=0).status == 200
    only = notify(phone)
    assert state(only) == "terminated;reason=timeout" and 'state="full"' in only.body, only.body
    quiet(phone)
    hearth.stop()


@lib.case
def refused_subscriptions():
    hearth = lib.Hearth(focus__roster="all")
    room_with(hearth, "refused")
    cases = [  # event, expires, headers, status, a field of the answer
        ("no-such-package", 600, "", 489, "Allow-Events"),
        (None, 600, "", 489, "Allow-Events"),
        ("refer", 600, "", 403, None),
        ("conference", 5, "", 423, "Min-Expires"),
        ("conference", 600, "Accept: text/plain\r\n", 406, None),
        ("conference;id=\"\"", 600, "", 400, None),
        ("conference", 600, "Require: dancing\r\n", 420, "Unsupported"),
    ]
    for event, expires, headers, status, field in cases:
        phone = lib.Phone(hearth, "phone")
        response = subscribe(phone, "refused", event, expires, headers)
        assert response.status == status, f"{event}: {response.start}"
        assert not field or response.get(field), f"{event}: no {field}"
        quiet(phone, 0.2)
        phone.stop()
    hearth.stop()


@lib.case
def a_notify_that_fails_ends_it():
    hearth = lib.Hearth(focus__roster="all")
    room_with(hearth, "fails")
    phone = lib.Phone(hearth, "gone")
    assert subscribe(phone, "fails").status == 200
    notify(phone, 481, "Gone")
    assert subscribe(phone, "fails").status == 481
    later = lib.Phone(hearth, "later")
    assert subscribe(later, "fails").status == 200
    notify(later, 503, "Later", "Retry-After: 1\r\n")
    second = notify(later)  # it comes back with the whole state
    assert 'state="full"' in second.body
    assert subscribe(later, "fails").status == 200
    hearth.stop()


@lib.case
def shares_the_dialog_of_a_call():
    hearth = lib.Hearth(focus__roster="all")
    phone = lib.Phone(hearth, "both")
    assert phone.invite("shared").status == 200
    other = lib.Phone(hearth, "stays")
    assert other.invite("shared").status == 200
    assert subscribe(phone, "shared").status == 200
    assert "stays" in notify(phone).body
    phone.bye()
    changed = notify(phone)  # RFC 5057: the subscription outlives the call
    while "deleted" not in changed.body and "disconnect" not in changed.body and state(changed).startswith("active") \
            and "both@" in changed.body:
        changed = notify(phone)
    other.bye()
    hearth.stop()


def refer(phone, user, refer_to, headers=""):
    uri = phone.target or f"sip:{user}@{phone.hearth.host}"
    phone.send(phone.request("REFER", uri, f"Refer-To: {refer_to}\r\n{headers}"))
    response = phone.final()
    if response.status < 300:
        phone.to, phone.target = phone.to or response.get("To"), phone.target or response.contact_uri()
    return response


def callee(hearth, name):
    """A phone to be called: its URI, without angle brackets as some phones write it."""
    phone = lib.Phone(hearth, name)
    return phone, f"sip:{name}@127.0.0.1:{phone.port}"


def take_call(phone, status=200, reason="OK"):
    invite = phone.wait_request("INVITE")
    if status == 200:
        phone.answer(invite, body=phone.sdp())
        phone.wait_request("ACK")
    else:
        phone.answer(invite, status, reason)
    return invite


@lib.case
def refer_in_a_call_tells_how_it_goes():
    hearth = lib.Hearth()
    for status, reason in ((200, "OK"), (486, "Busy Here")):
        phone = lib.Phone(hearth, f"referrer{status}")
        room = f"transfer{status}"
        assert phone.invite(room).status == 200
        third, uri = callee(hearth, f"third{status}")
        answer = refer(phone, room, uri, f"Referred-By: <sip:{phone.name}@127.0.0.1>\r\n")
        assert answer.status == 202, answer.start
        first = notify(phone)
        assert first.get("Event").startswith("refer"), first.get("Event")
        assert first.get("Content-Type").startswith("message/sipfrag")
        assert first.body.startswith("SIP/2.0 100"), first.body
        assert state(first).startswith("active;expires=")
        take_call(third, status, reason)
        last = notify(phone)
        while not state(last).startswith("terminated"):
            last = notify(phone)
        assert last.body.startswith(f"SIP/2.0 {status}"), last.body
        assert state(last) == "terminated;reason=noresource", state(last)
        phone.bye()
        third.stop()
    hearth.stop()


@lib.case
def refer_without_a_subscription():
    hearth = lib.Hearth()
    for headers in ("Refer-Sub: false\r\nSupported: norefersub\r\n", "Require: nosub\r\n"):
        phone = lib.Phone(hearth, "silent")
        assert phone.invite("nosub").status == 200
        third, uri = callee(hearth, "third")
        answer = refer(phone, "nosub", f"<{uri};method=INVITE>", headers)
        assert answer.status == 200, answer.start
        take_call(third)
        quiet(phone, 0.7)
        phone.bye()
        third.stop()
    hearth.stop()


@lib.case
def refer_with_an_explicit_subscription():
    hearth = lib.Hearth()
    phone = lib.Phone(hearth, "explicit")
    assert phone.invite("explicit").status == 200
    third, uri = callee(hearth, "third")
    answer = refer(phone, "explicit", f"<{uri}>", "Require: explicitsub\r\n")
    assert answer.status == 200, answer.start
    watcher = lib.Phone(hearth, "explicit")  # in a dialog of its own
    watcher.target = re.search(r"<([^>]+)>", answer.get("Refer-Events-At")).group(1)
    assert subscribe(watcher, None, "refer").status == 200
    assert notify(watcher).body.startswith("SIP/2.0 100")
    take_call(third)
    last = notify(watcher)
    while not state(last).startswith("terminated"):
        last = notify(watcher)
    assert last.body.startswith("SIP/2.0 200"), last.body
    quiet(phone, 0.3)
    phone.bye()
    hearth.stop()


@lib.case
def refused_refers():
    hearth = lib.Hearth()
    phone = lib.Phone(hearth, "confused")
    assert phone.invite("confused").status == 200
    for refer_to, headers, status in (("<sip:a@127.0.0.1>, <sip:b@127.0.0.1>", "", 400),
                                      ("<sip:a@127.0.0.1>", "Refer-To: <sip:b@127.0.0.1>\r\n", 400),
                                      ("nobody", "", 400), ("<http://127.0.0.1/>", "", 416),
                                      ("<sip:a@127.0.0.1>", "Require: dancing\r\n", 420)):
        answer = refer(phone, "confused", refer_to, headers)
        assert answer.status == status, f"{refer_to}: {answer.start}"
    phone.bye()
    hearth.stop()


@lib.case
def methods_that_are_not_served():
    hearth = lib.Hearth(focus__roster="all")
    room_with(hearth, "methods")
    for method, headers, status in (("PUBLISH", "Event: presence\r\n", 405), ("DANCE", "", 501),
                                    ("NOTIFY", "Event: conference\r\nSubscription-State: active\r\n", 481)):
        phone = lib.Phone(hearth, "phone")
        phone.send(phone.request(method, f"sip:methods@{hearth.host}", headers))
        response = phone.final()
        assert response.status == status, f"{method}: {response.start}"
        phone.stop()
    hearth.stop()


lib.main()
