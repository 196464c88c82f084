#!/usr/bin/python3
"""How families of phones use the factory, each as its maker documents it (RFC 4579), with who hears whom."""
import lib
from parties import Party, all_hear_each_other, no_gap, now, quiet_end, register, steps, witness

FACTORY = "conference-factory"


def people(hearth, conference):
    return sorted(p["uri"][4:].split("@")[0] for p in hearth.connected(conference[4:].split("@")[0]))


def desk_phone(refer_to, headers=""):
    """Polycom, Yealink, Grandstream, Cisco MPP, AudioCodes mode 1, snom without Replaces: the host has a call with each of
    the others through us, calls the factory, and tells each in its dialog to go there. `refer_to`: how it writes that."""
    hearth = lib.Hearth(sip__registrar="open", rooms__grace_s="1", mixer__workers=1)
    bert, carl, aside = Party(hearth, "bert", 620), Party(hearth, "carl", 910), witness(hearth)
    lines = []
    for party in (bert, carl):
        register(hearth, party)
        line = Party(hearth, "anna", 440)
        assert line.call(f"sip:{party.name}@{hearth.host}").status == 200
        lines.append(line)
        lib.wait_for(f"{party.name} and the host talk", lambda p=party, x=line: p.hears(x) and x.hears(p))
    anna = Party(hearth, "anna", 440)
    made = anna.call(f"sip:{FACTORY}@{hearth.host}")
    assert made.status == 200 and anna.knows_focus(), made.fields
    conference = made.contact_uri()
    for party, line in zip((bert, carl), lines):
        began = now()
        answer = line.ask("REFER", line.target, f"Refer-To: {refer_to.format(conference)}\r\n{headers}")
        assert answer.status == 202, answer.start
        lib.wait_for("it is told how it went", lambda x=line: steps(x)[-1:] == ["200"])
        line.rtp.stop()  # the host's phone plays one line at a time
        line.hang_up()
        lib.wait_for(f"the host and {party.name} hear each other", lambda p=party: p.hears(anna) and anna.hears(p))
        no_gap(aside, began, party)
        asked = party.requests("INVITE")
        assert ";tag=" not in asked[0].get("To") and all(";tag=" in m.get("To") for m in asked[1:]), "called a second time"
        assert asked[-1].contact_uri() == conference and party.knows_focus(), asked[-1].fields
        assert asked[-1].rtp() == asked[0].rtp(), "the same media"
    all_hear_each_other([anna, bert, carl])
    assert people(hearth, conference) == ["anna", "bert", "carl"]
    assert {p["referred_by"] for p in hearth.participants(conference[4:].split("@")[0])} == {None, "sip:anna@127.0.0.1"}
    aside.bye()
    quiet_end(hearth, anna, bert, carl)


@lib.case
def polycom():
    desk_phone("<{}>", "Referred-By: <sip:anna@127.0.0.1>\r\n")


@lib.case
def yealink_and_grandstream():
    desk_phone("{}")


@lib.case
def cisco_mpp_and_snom():
    desk_phone("<{};method=INVITE>")


@lib.case
def volte():
    """TS 24.147: the focus is REFERred, in the dialog, with Replaces (here escaped twice); a roster in the same dialog."""
    hearth = lib.Hearth(rooms__grace_s="1")
    anna = Party(hearth, "anna", 440)
    made = anna.call(f"sip:{FACTORY}@{hearth.host}", "P-Preferred-Identity: <sip:anna@127.0.0.1>\r\n"
                     "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"\r\nSupported: 100rel, timer, norefersub\r\n")
    conference = made.contact_uri()
    called = []
    for name, hz in (("bert", 620), ("carl", 910)):
        party = Party(hearth, name, hz)
        old = f"{name}-old%2540phones%253Bto-tag%253Dtheirs%253Bfrom-tag%253Dours"
        assert anna.ask("REFER", anna.target, f"Refer-To: <{party.uri_of_mine};method=INVITE?Replaces={old}>\r\n"
                        "Referred-By: <sip:anna@127.0.0.1>\r\n").status == 202
        lib.wait_for(f"{name} is in", lambda: party.dialog and party.rtp.running)
        invite = party.requests("INVITE")[0]
        assert invite.get("Replaces") == f"{name}-old@phones;to-tag=theirs;from-tag=ours", invite.fields
        assert "isfocus" in invite.get("Contact") and invite.get("Referred-By") == "<sip:anna@127.0.0.1>", invite.fields
        lib.wait_for("the last NOTIFY", lambda: steps(anna)[-1:] == ["200"])
        anna.seen.clear()
        called.append(party)
    answer = anna.ask("SUBSCRIBE", anna.target, "Event: conference\r\nExpires: 600\r\n")
    assert answer.status == 200, answer.start
    lib.wait_for("a roster", lambda: any("conference-info" in m.body and "bert" in m.body for m in anna.requests("NOTIFY")))
    all_hear_each_other([anna, *called])
    assert people(hearth, conference) == ["anna", "bert", "carl"]
    gone = called[0].uri_of_mine
    assert anna.ask("REFER", anna.target, f"Refer-To: <{gone};method=BYE>\r\n").status == 202
    lib.wait_for("Bert is removed", lambda: called[0].ended)
    quiet_end(hearth, anna, *called)


@lib.case
def avaya():
    """The INVITE to the factory has no description: ours comes in the 200, theirs in the ACK."""
    hearth = lib.Hearth(rooms__grace_s="1")
    anna, bert = Party(hearth, "anna", 440), Party(hearth, "bert", 620)
    anna.uri, anna.is_caller = f"sip:{FACTORY}@{hearth.host}", True
    anna.send(anna.request("INVITE", anna.uri))
    made = lib.wait_for("an answer", lambda: next((m for m in anna.finals if m.status >= 200), None))
    assert made.status == 200 and "m=audio" in made.body and "isfocus" in made.get("Contact"), made.fields
    anna.to, anna.target = made.get("To"), made.contact_uri()
    anna.send(anna.request("ACK", anna.target, body=anna.sdp(formats="0"), cseq=anna.cseq))
    anna.rtp.start(made.rtp())
    assert bert.call(made.contact_uri()).status == 200
    all_hear_each_other([anna, bert])
    quiet_end(hearth, anna, bert)


lib.main()
