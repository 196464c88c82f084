#!/usr/bin/python3
"""What phones do with a conference server: REFER, Replaces, roster, lists of people (RFC 4579, 4575, 5366, 5368)."""
import xml.etree.ElementTree as xml

import lib
from parties import Party, all_hear_each_other, quiet_end, steps

NS = "{urn:ietf:params:xml:ns:conference-info}"


def host_of_conference(hearth, name="anna", hz=440):
    anna = Party(hearth, name, hz)
    answer = anna.call(f"sip:conference-factory@{hearth.host}")
    assert answer.status == 200 and anna.knows_focus(), answer.fields
    return anna, answer.contact_uri()


def refer(party, uri, refer_to, headers=""):
    return party.ask("REFER", uri, f"Refer-To: {refer_to}\r\n{headers}")


def target_dialog(party):
    call_id, theirs, ours = party.dialog
    return f"Target-Dialog: {call_id};local-tag={theirs};remote-tag={ours}\r\n"


@lib.case
def refer_the_parties():
    """Flow 1 (Polycom and most desk phones): the parties are told to call the conference."""
    hearth = lib.Hearth(rooms__grace_s="1")
    anna, conference = host_of_conference(hearth)
    bert, carl = Party(hearth, "bert", 620), Party(hearth, "carl", 910)
    for party in (bert, carl):
        answer = party.call(conference, "Referred-By: <sip:anna@127.0.0.1>\r\n")
        assert answer.status == 200 and answer.contact_uri() == conference, answer.fields
    all_hear_each_other([anna, bert, carl])
    people = hearth.participants(conference[4:].split("@")[0])
    assert [p["host"] for p in people] == [True, False, False]
    assert people[1]["referred_by"] == "sip:anna@127.0.0.1", people[1]
    quiet_end(hearth, anna, bert, carl)


@lib.case
def refer_the_focus_with_replaces():
    """Flow 2 (IMS, AudioCodes, snom): the focus calls the parties, naming the call to be replaced."""
    hearth = lib.Hearth(rooms__grace_s="1")
    anna, conference = host_of_conference(hearth)
    for name, hz, refuses in (("bert", 620, 0), ("carl", 910, 481)):
        party = Party(hearth, name, hz)
        party.refuses_replaces = refuses
        old = f"{name}-old@phones;to-tag=theirs;from-tag=ours"
        escaped = old.replace(";", "%3B").replace("=", "%3D")
        assert refer(anna, conference, f"<{party.uri_of_mine}?Replaces={escaped}>",
                     "Referred-By: <sip:anna@127.0.0.1>\r\n").status == 202
        lib.wait_for(f"{name} is in", lambda: party.dialog and party.rtp.running)
        invites = party.requests("INVITE")
        assert invites[0].get("Replaces") == old, invites[0].fields
        assert invites[0].get("Referred-By") == "<sip:anna@127.0.0.1>", invites[0].fields
        assert "isfocus" in invites[0].get("Contact")
        assert len(invites) == (2 if refuses else 1)
        if refuses:
            assert not invites[1].get("Replaces")
            carl = party
        else:
            bert = party
        lib.wait_for("the last NOTIFY", lambda: steps(anna) and steps(anna)[-1] == "200")
    last = [m for m in anna.requests("NOTIFY")][-1]
    assert last.get("Subscription-State").startswith("terminated"), last.fields
    all_hear_each_other([anna, bert, carl])
    quiet_end(hearth, anna, bert, carl)


@lib.case
def named_conference():
    """Flow 3: everybody calls a name that the first made up."""
    hearth = lib.Hearth(rooms__grace_s="1")
    parties = [Party(hearth, name, hz) for name, hz in (("anna", 440), ("bert", 620))]
    for party in parties:
        assert party.call(f"sip:4conf1234@{hearth.host}").status == 200
    all_hear_each_other(parties)
    quiet_end(hearth, *parties)


@lib.case
def refer_out_of_the_dialog():
    hearth = lib.Hearth(rooms__grace_s="1")
    anna, conference = host_of_conference(hearth)
    bert, carl = Party(hearth, "bert", 620), Party(hearth, "carl", 910)
    named = target_dialog(anna)
    aside = Party(hearth, "anna", 440)  # the same user, outside the dialog
    assert refer(aside, conference, f"<{bert.uri_of_mine}>").status in (401, 403), "without a right"
    assert refer(aside, conference, f"<{bert.uri_of_mine}>", named).status == 202
    other = Party(hearth, "anna", 440)
    assert refer(other, f"sip:conference-factory@{hearth.host}", f"{carl.uri_of_mine}", named + "Refer-Sub: false\r\n").status in (200, 202)
    lib.wait_for("both are in", lambda: bert.dialog and carl.dialog)
    all_hear_each_other([anna, bert, carl])
    assert not steps(other), "Refer-Sub: false, and yet it was told"
    quiet_end(hearth, anna, bert, carl)


@lib.case
def refer_that_fails_and_refer_that_removes():
    hearth = lib.Hearth(rooms__grace_s="1")
    anna, conference = host_of_conference(hearth)
    busy, bert = Party(hearth, "busy", manner="busy"), Party(hearth, "bert", 620)
    assert refer(anna, conference, f"<{busy.uri_of_mine}>").status == 202
    lib.wait_for("486 is told", lambda: steps(anna)[-1:] == ["486"])
    assert bert.call(conference).status == 200
    room = conference[4:].split("@")[0]
    uri = next(p["uri"] for p in hearth.participants(room) if p["uri"].startswith("sip:bert"))
    assert refer(anna, conference, f"<{uri};method=BYE>").status == 202
    lib.wait_for("Bert is out", lambda: bert.ended)
    assert [p["uri"] for p in hearth.participants(room)] == ["sip:anna@127.0.0.1"]
    quiet_end(hearth, anna, bert)


def resource_list(parties):
    entries = "".join(f'<entry uri="{p.uri_of_mine}" cp:copyControl="to"/>' for p in parties)
    return ('<?xml version="1.0" encoding="UTF-8"?>\r\n<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" '
            f'xmlns:cp="urn:ietf:params:xml:ns:copycontrol"><list>{entries}</list></resource-lists>\r\n')


@lib.case
def list_of_people_in_the_invite():
    """RFC 5366: the INVITE to the factory brings those along who are to be called."""
    hearth = lib.Hearth(rooms__grace_s="1")
    anna, bert, carl = (Party(hearth, name, hz) for name, hz in (("anna", 440), ("bert", 620), ("carl", 910)))
    body = ("--b\r\nContent-Type: application/sdp\r\n\r\n" + anna.sdp() +
            "\r\n--b\r\nContent-Type: application/resource-lists+xml\r\nContent-Disposition: recipient-list\r\n\r\n" +
            resource_list([bert, carl]) + "\r\n--b--\r\n")
    uri = f"sip:conference-factory@{hearth.host}"
    anna.uri, anna.is_caller = uri, True
    anna.send(anna.request("INVITE", uri, "Require: recipient-list-invite\r\n", body, "multipart/mixed;boundary=b"))
    answer = lib.wait_for("an answer", lambda: next((m for m in anna.finals if m.status >= 200), None))
    anna.ack(answer)
    assert answer.status == 200, answer.start
    anna.rtp.start(answer.rtp())
    lib.wait_for("both are called", lambda: bert.dialog and carl.dialog)
    all_hear_each_other([anna, bert, carl])
    quiet_end(hearth, anna, bert, carl)


@lib.case
def several_in_one_refer():
    """RFC 5368."""
    hearth = lib.Hearth(rooms__grace_s="1")
    anna, conference = host_of_conference(hearth)
    bert, carl = Party(hearth, "bert", 620), Party(hearth, "carl", 910)
    answer = anna.ask("REFER", conference, "Refer-To: <cid:people@anna>\r\nRefer-Sub: false\r\nRequire: multiple-refer, norefersub\r\n"
                      "Content-ID: <people@anna>\r\nContent-Disposition: recipient-list\r\n",
                      resource_list([bert, carl]), "application/resource-lists+xml")
    assert answer.status in (200, 202), answer.start
    lib.wait_for("both are called", lambda: bert.dialog and carl.dialog)
    all_hear_each_other([anna, bert, carl])
    quiet_end(hearth, anna, bert, carl)


@lib.case
def roster_over_tcp():
    """RFC 4575: full, then partial; versions without gaps; entity is the Contact that phones were given."""
    hearth = lib.Hearth(rooms__grace_s="1", focus__roster_interval_ms="100")
    anna, conference = host_of_conference(hearth)
    watcher = Party(hearth, "watcher", transport="tcp")
    answer = watcher.ask("SUBSCRIBE", conference, "Event: conference\r\nAccept: application/conference-info+xml\r\nExpires: 600\r\n")
    assert answer.status == 200 and "isfocus" in answer.get("Contact"), answer.fields

    def documents():
        return [xml.fromstring(m.body) for m in watcher.requests("NOTIFY") if m.body]

    lib.wait_for("the first document", documents)
    first = documents()[0]
    assert first.get("entity") == conference and first.get("state") == "full", first.attrib
    user = first.find(f"{NS}users/{NS}user")
    assert user.get("entity") == "sip:anna@127.0.0.1" and user.find(f"{NS}roles/{NS}entry").text == "moderator"
    assert user.find(f"{NS}endpoint/{NS}status").text == "connected"
    assert first.find(f"{NS}conference-state/{NS}user-count").text == "1"
    bert = Party(hearth, "bert", 620)
    assert bert.call(conference).status == 200
    lib.wait_for("Bert is told", lambda: any(u.get("entity").startswith("sip:bert") for d in documents() for u in d.iter(f"{NS}user")))
    bert.hang_up()
    gone = lib.wait_for("Bert's leaving is told", lambda: next((u for d in documents() for u in d.iter(f"{NS}user")
                                                                if u.get("state") == "deleted"), None))
    assert gone.get("entity") == "sip:bert@127.0.0.1"
    assert gone.find(f"{NS}endpoint/{NS}disconnection-method").text == "departed"
    all_documents = documents()
    assert [int(d.get("version")) for d in all_documents] == list(range(len(all_documents)))
    assert {d.get("state") for d in all_documents[1:]} == {"partial"}
    anna.hang_up()
    hearth.api("DELETE", f"/api/v1/rooms/{conference[4:].split('@')[0]}")
    lib.wait_for("the end is told", lambda: documents()[-1].get("state") == "deleted")
    last = [m for m in watcher.requests("NOTIFY")][-1]
    assert "terminated" in last.get("Subscription-State") and "noresource" in last.get("Subscription-State")
    bert.ended = anna.ended = True
    quiet_end(hearth, anna, bert)


@lib.case
def chat():
    """MESSAGE from a phone to the others, to the event stream, and from the API (RFC 3428)."""
    hearth = lib.Hearth(rooms__grace_s="1")
    events = lib.Events(hearth)
    anna, conference = host_of_conference(hearth)
    bert = Party(hearth, "bert", 620)
    assert bert.call(conference).status == 200
    room = conference[4:].split("@")[0]
    lib.wait_for("both are in", lambda: len(hearth.connected(room)) == 2)
    assert anna.ask("MESSAGE", anna.target, "", "guten Tag", "text/plain").status == 202
    lib.wait_for("Bert reads it", lambda: [m.body for m in bert.requests("MESSAGE")] == ["anna: guten Tag"])
    told = events.wait("message")
    assert told["text"] == "guten Tag" and told["from"] == "anna" and told["room_id"] == room, told
    answer = hearth.api("POST", f"/api/v1/rooms/{room}/messages", {"text": "five minutes", "from": "Desk"})
    assert answer.status == 202 and answer.json["sent"] == 2, answer.text
    lib.wait_for("all read it", lambda: all(p.requests("MESSAGE")[-1:] and p.requests("MESSAGE")[-1].body == "Desk: five minutes"
                                            for p in (anna, bert)))
    quiet_end(hearth, anna, bert)


lib.main()
