"""The trace of calls as operators see it: by the API, drawn as a ladder, and at a capture server by HEP3."""
import re
import socket
import struct
import urllib.parse

import lib


def decode_hep(packet):
    """HEP3 into {chunk type: octets}; asserts that the lengths are right."""
    assert packet[:4] == b"HEP3", packet[:4]
    assert struct.unpack("!H", packet[4:6])[0] == len(packet), packet[:8]
    chunks, at = {}, 6
    while at < len(packet):
        vendor, kind, size = struct.unpack("!HHH", packet[at:at + 6])
        assert vendor == 0 and size >= 6 and at + size <= len(packet), packet[at:at + 8]
        chunks[kind] = packet[at + 6:at + size]
        at += size
    return chunks


@lib.case
def a_call_is_traced():
    hearth = lib.Hearth()
    phone = lib.Phone(hearth, "phone")
    assert phone.invite("room1").status == 200
    one = hearth.participants("room1")[0]
    path = f"/api/v1/rooms/room1/participants/{one['id']}/sip"
    lib.wait_for("the ACK is seen", lambda: len(hearth.api("GET", path).json["messages"]) >= 3)
    ladder = hearth.api("GET", path + "/ladder").text
    assert re.search(r"UDP +\|<-+ INVITE \(sdp\) -+\|", ladder), ladder
    assert re.search(r"UDP +\|-+ 200 OK \(sdp\) -+>\|", ladder), ladder
    assert f"127.0.0.1:{phone.port}" in ladder, ladder
    assert phone.bye().status == 200
    # The call is over, its messages are still there.
    trace = hearth.api("GET", "/api/v1/trace/" + urllib.parse.quote(phone.call_id, safe=""))
    assert [m["summary"] for m in trace.json["messages"]][-2:] == ["BYE", "200 OK"], trace.text
    assert trace.json["messages"][0]["text"].startswith("INVITE sip:room1@"), trace.text


@lib.case
def a_call_that_fails_is_explained_in_one_line():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "room1"})
    phone = lib.Phone(hearth, "bob")
    for uri, want in ((f"sip:bob@127.0.0.1:{lib.free_port()};transport=tcp", "status=503 .*cannot be reached"),
                      (f"sip:bob@127.0.0.1:{phone.port}", 'status=488 .*warning="304 phone .*agent=Brick/1 .*media.codecs')):
        made = hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": uri})
        assert made.status in (201, 202), made.text
        if "transport" not in uri:
            phone.answer(phone.wait_request("INVITE"), 488, "Not Acceptable Here",
                         'Server: Brick/1\r\nWarning: 304 phone "no codec"\r\n')
        line = lib.wait_for("the line", lambda: re.search(f"warn call.failed .*call_id=(\\S+) .*{want}.*", hearth.log_text()))
        # It names the call whose messages are kept.
        trace = hearth.api("GET", "/api/v1/trace/" + urllib.parse.quote(line.group(1).strip('"'), safe=""))
        assert trace.status == 200 and trace.json["messages"][0]["summary"] == "INVITE (sdp)", trace.text
    # Busy is no failure.
    hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": f"sip:busy@127.0.0.1:{phone.port}"})
    phone.answer(phone.wait_request("INVITE"), 486, "Busy Here")
    lib.wait_for("it is over", lambda: "cause=busy" in hearth.log_text())
    assert hearth.log_text().count("call.failed") == 2, hearth.log_text()


@lib.case
def secrets_are_painted_over():
    hearth = lib.Hearth()
    phone = lib.Phone(hearth, "phone")
    secret = 'Authorization: Digest username="a", realm="r", nonce="n", uri="sip:x", response="0123456789abcdef"\r\n'
    phone.send(phone.request("OPTIONS", f"sip:{hearth.host}", secret))
    phone.final()
    text = hearth.api("GET", "/api/v1/trace/" + urllib.parse.quote(phone.call_id, safe="")).text
    assert "0123456789abcdef" not in text and 'username=' in text, text


@lib.case
def every_message_goes_to_the_capture_server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as capture:
        capture.bind(("127.0.0.1", 0))
        capture.settimeout(10 * lib.PATIENCE)
        hearth = lib.Hearth(sip__hep=f"udp:127.0.0.1:{capture.getsockname()[1]}", sip__hep_id="77", sip__hep_key="k3y",
                            sip__trace="false")
        phone = lib.Phone(hearth, "phone")
        assert phone.invite("room1").status == 200
        got = []
        while not got or not got[-1][15].startswith(b"ACK "):
            got.append(decode_hep(capture.recv(65536)))
        assert got[0][15].startswith(b"INVITE sip:room1@"), got[0]
        for chunks in got:
            is_ours = chunks[15].startswith(b"SIP/2.0 ")
            ports = [struct.unpack("!H", chunks[kind])[0] for kind in (7, 8)]
            assert ports == ([hearth.sip_port, phone.port] if is_ours else [phone.port, hearth.sip_port]), ports
            assert chunks[1] == b"\x02" and chunks[2] == b"\x11" and chunks[11] == b"\x01", chunks
            assert chunks[3] == chunks[4] == socket.inet_aton("127.0.0.1"), chunks
            assert struct.unpack("!I", chunks[12])[0] == 77 and chunks[14] == b"k3y", chunks
            assert chunks[17] == phone.call_id.encode(), chunks
            assert 0 <= struct.unpack("!I", chunks[10])[0] < 1000000, chunks
        assert any(chunks[15].startswith(b"SIP/2.0 200 OK") for chunks in got), got
        # Nothing is kept here: the capture server has it.
        assert hearth.api("GET", "/api/v1/trace").json["calls"] == []
        assert phone.bye().status == 200


lib.main()
