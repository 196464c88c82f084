#!/usr/bin/python3
"""Users of our domain: registered, called at all their phones, forwarded, and numbers of the pool."""
import pathlib
import tempfile

import lib


def register(phone, user, headers="", contact=None, expires=600):
    """One REGISTER; returns the final response. `contact` replaces the phone's own."""
    text = phone.request("REGISTER", f"sip:{phone.hearth.host}", f"Expires: {expires}\r\n{headers}",
                         to=f"<sip:{user}@{phone.hearth.host}>")
    if contact:
        own = f"Contact: <sip:{phone.name}@127.0.0.1:{phone.port};transport={phone.transport}>\r\n"
        assert own in text
        text = text.replace(own, f"Contact: {contact}\r\n")
    phone.send(text)
    return phone.final()


def open_house(**options):
    return lib.Hearth(sip__registrar="open", **options)


def call_in(hearth, uri, room="lobby"):
    hearth.api("POST", "/api/v1/rooms", {"id": room})
    answer = hearth.api("POST", f"/api/v1/rooms/{room}/participants", {"uri": uri})
    assert answer.status == 202, answer.text
    return f"/api/v1/rooms/{room}/participants/{answer.json['id']}"


def answer_call(phone):
    invite = phone.wait_request("INVITE")
    phone.answer(invite, 180, "Ringing")
    phone.answer(invite, 200, "OK", body=phone.sdp())
    phone.wait_request("ACK")
    return invite


@lib.case
def baresip_registers_and_is_called():
    """With a password; the API calls the user, not the phone. The registration outlives a restart."""
    hearth = lib.Hearth()
    events = lib.Events(hearth)
    answer = hearth.api("POST", "/api/v1/users", {"name": "anna", "password": "secret"})
    assert answer.status == 201, answer.text
    wav = pathlib.Path(tempfile.mkdtemp()) / "anna.wav"
    lib.speech(wav, "This is Anna, who was found at her phone.", seconds=20)
    lib.Baresip("anna", wav, account=f"<sip:anna@{hearth.host}>;auth_user=anna;auth_pass=secret;regint=60")
    events.wait("registration.added", 15)
    listed = hearth.api("GET", "/api/v1/registrations").json["registrations"]
    assert [entry["user"] for entry in listed] == ["anna"], listed
    call_in(hearth, f"sip:anna@{hearth.host}")
    lib.wait_for("anna is in the room", lambda: hearth.connected("lobby"), 15)
    assert hearth.metric("hearth_registrations") == 1
    hearth.stop()
    again = lib.Hearth(directory=hearth.directory)
    kept = again.api("GET", "/api/v1/registrations").json["registrations"]
    assert [(entry["id"], entry["contact"]) for entry in kept] == [(listed[0]["id"], listed[0]["contact"])], kept
    assert again.api("DELETE", f"/api/v1/registrations/{kept[0]['id']}").status == 204
    assert not again.api("GET", "/api/v1/registrations").json["registrations"]
    again.stop()


@lib.case
def two_phones_ring_and_one_answers():
    hearth = open_house()
    desk, cell = lib.Phone(hearth, "desk"), lib.Phone(hearth, "cell", "tcp")
    assert register(desk, "bob").status == 200
    both = register(cell, "bob")
    assert both.status == 200 and len(both.all("Contact")) == 2, both.all("Contact")
    path = call_in(hearth, f"sip:bob@{hearth.host}")
    ringing = desk.wait_request("INVITE")
    desk.answer(ringing, 180, "Ringing")
    answer_call(cell)
    cancel = desk.wait_request("CANCEL")
    assert "Call completed elsewhere" in cancel.get("Reason"), cancel.get("Reason")
    desk.answer(cancel)
    desk.answer(ringing, 487, "Request Terminated")
    desk.wait_request("ACK")
    lib.wait_for("one is in the room", lambda: len(hearth.connected("lobby")) == 1)
    attempts = {a["uri"].split("@")[0]: a["state"] for a in hearth.api("GET", path).json["attempts"]}
    assert attempts == {"sip:desk": "cancelled", "sip:cell": "answered"}, attempts
    hearth.api("DELETE", path)
    cell.answer(cell.wait_request("BYE"))
    hearth.stop()


@lib.case
def over_the_connection_it_came_by():
    """An outbound flow (RFC 5626): its Contact leads nowhere, the call comes over the connection."""
    hearth = open_house(rooms__autocreate="false")
    phone = lib.Phone(hearth, "bob", "tcp")
    instance = '+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'
    response = register(phone, "bob", "Supported: outbound, gruu, path\r\n",
                        f"<sip:bob@192.168.77.9;transport=tcp>;reg-id=1;{instance}")
    assert response.status == 200 and response.get("Require") == "outbound", response.fields
    assert "gr=urn:uuid:f81d4fae" in response.get("Contact") and "tgruu." in response.get("Contact")
    path = call_in(hearth, f"sip:bob@{hearth.host};gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
    invite = answer_call(phone)
    assert "sip:bob@192.168.77.9" in invite.line if hasattr(invite, "line") else True
    hearth.api("DELETE", path)
    phone.answer(phone.wait_request("BYE"))  # over the same connection, wherever Contact points
    phone.stop()
    lib.wait_for("the flow is gone", lambda: not hearth.connected("lobby"))
    path = call_in(hearth, f"sip:bob@{hearth.host}", "second")
    lib.wait_for("nobody is there", lambda: not hearth.participants("second"))
    hearth.stop()


@lib.case
def behind_a_nat():
    hearth = open_house()
    phone = lib.Phone(hearth, "bob")
    assert register(phone, "bob", contact="<sip:bob@192.168.77.9:5062>").status == 200
    path = call_in(hearth, f"sip:bob@{hearth.host}")
    answer_call(phone)
    hearth.api("DELETE", path)
    phone.answer(phone.wait_request("BYE"))
    hearth.stop()


@lib.case
def forward_on_busy():
    hearth = open_house()
    events = lib.Events(hearth)
    bob, carol = lib.Phone(hearth, "bob"), lib.Phone(hearth, "carol")
    assert register(bob, "bob").status == 200 and register(carol, "carol").status == 200
    rule = {"busy": f"sip:carol@{hearth.host}", "no_answer": f"sip:bob@{hearth.host}"}
    assert hearth.api("PATCH", "/api/v1/forwards/bob", rule).status == 200
    path = call_in(hearth, f"sip:bob@{hearth.host}")
    invite = bob.wait_request("INVITE")
    bob.answer(invite, 486, "Busy Here")
    bob.wait_request("ACK")
    invite = answer_call(carol)
    assert invite.get("Diversion") == f"<sip:bob@{hearth.host}>;reason=user-busy;counter=1", invite.get("Diversion")
    history = invite.get("History-Info")
    assert "cause%3D486>;index=1.1;rc=1" in history and ">;index=1.2;mp=1" in history, history
    lib.wait_for("carol is in", lambda: hearth.connected("lobby"))
    events.wait("participant.attempt", 5)
    attempts = hearth.api("GET", path).json["attempts"]
    assert [(a["reason"], a["state"], a["status"]) for a in attempts] == [
        ("direct", "failed", 486), ("forward_busy", "answered", 200)], attempts
    hearth.api("DELETE", path)
    carol.answer(carol.wait_request("BYE"))
    hearth.stop()


@lib.case
def forward_round_in_a_circle():
    hearth = open_house()
    for name, target in (("bob", "carol"), ("carol", "bob")):
        assert hearth.api("PATCH", f"/api/v1/forwards/{name}",
                          {"unconditional": f"sip:{target}@{hearth.host}"}).status == 200
    events = lib.Events(hearth)
    call_in(hearth, f"sip:bob@{hearth.host}")
    left = events.wait("participant.left", 5)
    assert left["status"] == 482 and left["cause"] == "loop", left
    hearth.stop()


@lib.case
def a_number_for_a_while():
    hearth = open_house(numbers__pool="+4930555000-+4930555001")
    phone = lib.Phone(hearth, "bob")
    phone.send(phone.request("ALLOCATE", f"sip:{hearth.host}", "Expires: 600\r\nAllocate-For: <tel:+4989>\r\n"))
    response = phone.final()
    assert response.status == 200 and response.get("Contact") == "<tel:+4930555000>;expires=600", response.get("Contact")
    path = call_in(hearth, "tel:+49-30-555000")
    answer_call(phone)
    hearth.api("DELETE", path)
    phone.answer(phone.wait_request("BYE"))
    phone.send(phone.request("ALLOCATE", f"sip:{hearth.host}", "Expires: 0\r\nAllocate-For: <tel:+4989>\r\n"))
    assert phone.final().get("Contact") == "<tel:+4930555000>;expires=0"
    assert hearth.metric("hearth_numbers_used") == 0
    hearth.stop()


@lib.case
def a_phone_calls_a_user():
    """Through Hearth, at both phones of his; who answers is connected, with sound both ways."""
    hearth = open_house()
    desk, cell = lib.Phone(hearth, "desk"), lib.Phone(hearth, "cell", samples=lib.tone(620, 1))
    anna = lib.Phone(hearth, "anna", samples=lib.tone(440, 1))
    for phone in (desk, cell):
        assert register(phone, "bob").status == 200
    uri = f"sip:bob@{hearth.host}"
    anna.send(anna.request("INVITE", uri, body=anna.sdp()))
    ringing, invite = desk.wait_request("INVITE"), cell.wait_request("INVITE")
    desk.answer(ringing, 180, "Ringing")
    cell.answer(invite, 180, "Ringing")
    cell.answer(invite, 200, "OK", body=cell.sdp())
    cell.wait_request("ACK")
    cell.rtp.start(invite.rtp())
    anna.uri = uri
    response = anna.final()
    assert response.status == 200 and "isfocus" not in response.get("Contact"), response.fields
    assert any(message.status == 180 for message in anna.queue)
    anna.ack(response)
    anna.rtp.start(response.rtp())
    desk.answer(desk.wait_request("CANCEL"))
    desk.answer(ringing, 487, "Request Terminated")
    lib.hears(cell, 440, above=1000)
    lib.hears(anna, 620, above=1000)
    assert anna.bye().status == 200
    cell.answer(cell.wait_request("BYE"))
    hearth.stop()


@lib.case
def called_back_into_a_room():
    hearth = open_house(callback__numbers="9000=lobby;rings=1;status=603", callback__allow="@127.0.0.1", callback__delay_s=0)
    phone = lib.Phone(hearth, "anna")
    phone.name = "anna"
    assert register(phone, "anna").status == 200
    assert phone.invite("9000", body=phone.sdp()).status == 603
    answer_call(phone)
    lib.wait_for("in the room", lambda: hearth.connected("lobby"))
    assert hearth.metric("hearth_callbacks_called_total") == 1
    hearth.stop()


@lib.case
def options_of_a_user():
    hearth = open_house(rooms__autocreate="false")
    phone = lib.Phone(hearth, "bob")
    phone.send(phone.request("OPTIONS", f"sip:bob@{hearth.host}"))
    assert phone.final().status == 404
    assert register(phone, "bob").status == 200
    phone.send(phone.request("OPTIONS", f"sip:bob@{hearth.host}"))
    assert phone.final().status == 200
    assert register(phone, "bob", contact="*", expires=0).status == 200
    hearth.stop()


if __name__ == "__main__":
    lib.main()
