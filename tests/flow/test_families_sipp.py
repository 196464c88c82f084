#!/usr/bin/python3
"""The four ways in which desk phones use a factory (RFC 4579 5.4), each phone a SIPp that plays the messages of its family."""
import lib
from handset import Handset
from ladder import Caller
from parties import all_hear_each_other

GENEROUS = 40


def room_of(hearth):
    """The one that the factory made; what was a call may be a conference for a moment, too."""
    return lib.wait_for("a conference", lambda: [r for r in hearth.api("GET", "/api/v1/rooms").json["rooms"] if r["origin"] == "factory"],
                        GENEROUS)[0]["id"]


def people(hearth, room):
    return sorted(p["uri"][4:].split("@")[0] for p in hearth.connected(room))


def ends_well(hearth, *phones):
    """The conference is ended from outside: every phone gets the BYE that its scenario waits for, and nothing is left."""
    for room in hearth.api("GET", "/api/v1/rooms").json["rooms"]:
        hearth.api("DELETE", f"/api/v1/rooms/{room['id']}")
    for phone in phones:
        phone.finish()
    lib.wait_for("no call is left", lambda: not hearth.api("GET", "/api/v1/calls").json["calls"], GENEROUS)
    lib.wait_for("no leg is left", lambda: hearth.metric("hearth_mixer_legs") == 0, GENEROUS)
    assert not hearth.api("GET", "/api/v1/rooms").json["rooms"]
    for phone in phones:
        phone.stop()
    hearth.stop()


def registers(hearth, phone):
    """At the server, by a REGISTER of its own from its own port."""
    register = Caller(hearth, None, phone.name)
    register.port, register.aor = phone.port, f"sip:{phone.name}@[remote_ip]:[remote_port]"
    register.send("REGISTER", "Expires: 600\n")
    register.recv(200)
    register.run()


def all_talk(hearth, room, *phones, call="conf"):
    """Everybody is there, once, and hears the others and not itself. `call`: that by which the parties are."""
    names = sorted(phone.name for phone in phones)
    lib.wait_for("everybody is in", lambda: all(p.is_well() for p in phones) and people(hearth, room) == names, GENEROUS)
    for phone in phones:
        phone.talks_in("conf" if phone is phones[0] else call)
    all_hear_each_other(phones, GENEROUS)


@lib.case
def polycom():
    """Refer the parties; their calls with the host are none of ours. Then the roster, which has all three."""
    hearth = lib.Hearth(rooms__grace_s="1", focus__roster_interval_ms="60000")
    anna, bert, carl = Handset("anna", 440), Handset("bert", 620), Handset("carl", 910)
    for party in (bert, carl):
        party.is_called("anna", anna)
        party.goes_where_referred("anna", "conf", hearth)
        party.serves("conf", "BYE")
        anna.call(party.name, party.uri, party)
    anna.call("conf", f"sip:conference-factory@{hearth.host}", hearth, Contact="isfocus")
    for party in (bert, carl):
        anna.refers(party.name, "<[$target_conf]>", "Referred-By: <sip:anna@127.0.0.1>\n")
        anna.asks(party.name, "BYE")
    anna.subscribes("roster", "[$target_conf]", hearth, body='state="full".*entity="sip:anna@.*entity="sip:bert@.*entity="sip:carl@')
    anna.serves("conf", "BYE")
    for phone in (bert, carl, anna):
        phone.start()
    room = room_of(hearth)
    all_talk(hearth, room, anna, bert, carl)
    assert [p["referred_by"] for p in hearth.participants(room)] == [None, "sip:anna@127.0.0.1", "sip:anna@127.0.0.1"]
    ends_well(hearth, anna, bert, carl)


def behind_hearth(hearth):
    """Three phones whose server is Hearth: anna has called bert and carl through it, holds both, and has called the factory."""
    anna, bert, carl = Handset("anna", 440), Handset("bert", 620), Handset("carl", 910)
    for party in (bert, carl):
        registers(hearth, party)
        party.is_called("old", hearth)
        anna.call(party.name, f"sip:{party.name}@{hearth.host}", hearth)
        anna.hold(party.name)
    anna.call("conf", f"sip:conference-factory@{hearth.host}", hearth, Contact="isfocus")
    return anna, bert, carl


@lib.case
def yealink_and_grandstream():
    hearth = lib.Hearth(rooms__grace_s="1", sip__registrar="open")
    anna, bert, carl = behind_hearth(hearth)
    for party in (bert, carl):
        anna.refers(party.name, "[$target_conf]", told=(200,))
        anna.asks(party.name, "BYE")
        party.is_called_again("old", Contact="conf-.*isfocus")
        party.serves("old", "BYE")
    anna.serves("conf", "BYE")
    for phone in (bert, carl, anna):
        phone.start()
    room = room_of(hearth)
    all_talk(hearth, room, anna, bert, carl, call="")
    ends_well(hearth, anna, bert, carl)


@lib.case
def snom():
    """With "Replaces when referring to the conference server", and Hearth as its server: the focus is to call the parties in
    place of the calls that the host has with them; it has them already."""
    hearth = lib.Hearth(rooms__grace_s="1", sip__registrar="open")
    anna, bert, carl = behind_hearth(hearth)
    for party in (bert, carl):
        anna.refers("conf", f"<sip:{party.name}@{hearth.host}?{anna.replaces(party.name)}>", told=())
        anna.serves(party.name, "BYE", Reason="cause=200")
        anna.serves("conf", "NOTIFY", Event="refer", body="SIP/2.0 200")
        party.is_called_again("old", Contact="conf-.*isfocus")
        party.serves("old", "BYE")
    anna.serves("conf", "BYE")
    for phone in (bert, carl, anna):
        phone.start()
    room = room_of(hearth)
    all_talk(hearth, room, anna, bert, carl, call="")
    ends_well(hearth, anna, bert, carl)


@lib.case
def volte_and_audiocodes():
    """Refer the focus with Replaces, in the dialog of the conference: the parties' phones let go of the calls with the host, which
    are none of ours."""
    hearth = lib.Hearth(rooms__grace_s="1")
    anna, bert, carl = Handset("anna", 440), Handset("bert", 620), Handset("carl", 910)
    for party in (bert, carl):
        party.is_called_and_replaced("old", anna, "conf", hearth)
        anna.call(party.name, party.uri, party)
    anna.call("conf", f"sip:conference-factory@{hearth.host}", hearth, Contact="isfocus")
    for party, first in ((bert, 1), (carl, 11)):
        anna.asks("conf", "REFER", f"Refer-To: <{party.uri};method=INVITE?{anna.replaces(party.name)}>\n"
                  "Referred-By: <sip:anna@127.0.0.1>\n", status=202)
        anna.is_told("conf", first, party.name)
    anna.serves("conf", "BYE")
    for phone in (bert, carl):
        phone.start("-m", "2")
    anna.start()
    room = room_of(hearth)
    all_talk(hearth, room, anna, bert, carl, call="")
    for phone in (bert, carl):
        asked = [m for m in phone.received("") if m.method == "INVITE"]
        assert asked[1].get("Replaces").startswith(asked[0].get("Call-ID") + ";to-tag="), asked[1].fields
        assert "isfocus" in asked[1].get("Contact") and asked[1].get("Referred-By") == "<sip:anna@127.0.0.1>", asked[1].fields
    ends_well(hearth, anna, bert, carl)


@lib.case
def audiocodes_named():
    """Everybody calls a name that the first made up."""
    hearth = lib.Hearth(rooms__grace_s="1")
    phones = [Handset("anna", 440), Handset("bert", 620), Handset("carl", 910)]
    for phone in phones:
        phone.call("conf", f"sip:4conf1234@{hearth.host}", hearth, Contact="sip:4conf1234@.*isfocus")
        phone.serves("conf", "BYE")
        phone.start()
    all_talk(hearth, "4conf1234", *phones)
    ends_well(hearth, *phones)


@lib.case
def cisco_multiway():
    """The factory says where the conferences are made; the party is sent there."""
    there = lib.Hearth(rooms__grace_s="1")
    here = lib.Hearth(focus__central_factory=f"sip:conference-factory@{there.host}")
    anna, bert = Handset("anna", 440), Handset("bert", 620)
    bert.is_called("anna", anna)
    bert.goes_where_referred("anna", "conf", there)
    bert.serves("conf", "BYE")
    anna.call("bert", bert.uri, bert)
    anna.is_redirected("factory", f"sip:conference-factory@{here.host}", here)
    anna.call("conf", "[$target_factory]", there, Contact="isfocus")
    anna.refers("bert", "<[$target_conf];method=INVITE>", "Referred-By: <sip:anna@127.0.0.1>\n")
    anna.asks("bert", "BYE")
    anna.serves("conf", "BYE")
    for phone in (bert, anna):
        phone.start()
    room = room_of(there)
    all_talk(there, room, anna, bert)
    ends_well(there, anna, bert)
    here.stop()


lib.main()
