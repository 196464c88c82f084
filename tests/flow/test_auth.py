#!/usr/bin/python3
"""Who may: users and their passwords, asked and answering, with real phones, SIPp and Kamailio."""
import hashlib
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time

import lib
from dialin import answer_reinvite, is_spoken_to, press
from peers import Kamailio

REALM = "hearth.test"
# As docs/operations.md gives it to fail2ban (<HOST> stands for the address).
REFUSED = re.compile(r"security\.refused address=(?P<host>[0-9a-f.:]+) cause=(?P<cause>[a-z_]+) ")


def serve(**options):
    return lib.Hearth(**({"sip__realm": REALM, "sip__rate_unlimited": ""} | options))


def add_user(hearth, name, **more):
    answer = hearth.api("POST", "/api/v1/users", {"name": name, "password": "secret"} | more)
    assert answer.status == 201, answer.text


# A digest client that shares no code with the server ----------------------------------------------

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def fields_of(challenge):
    return {k.lower(): a or b for k, a, b in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', challenge)}


def authorization(challenge, method, uri, user="alice", password="secret", nc=1, qop="auth", body=""):
    c = fields_of(challenge)

    def digest(text):
        return hashlib.new(HASHES[c.get("algorithm", "MD5")], text.encode()).hexdigest()
    count, cnonce = f"{nc:08x}", "0a4f113b"
    a2 = f"{method}:{uri}" + (":" + digest(body) if qop == "auth-int" else "")
    ha1 = digest(f"{user}:{c['realm']}:{password}")
    if qop:
        response = digest(f"{ha1}:{c['nonce']}:{count}:{cnonce}:{qop}:{digest(a2)}")
        more = f', qop={qop}, nc={count}, cnonce="{cnonce}"'
    else:
        response, more = digest(f"{ha1}:{c['nonce']}:{digest(a2)}"), ""
    return (f'Authorization: Digest username="{user}", realm="{c["realm"]}", nonce="{c["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm={c.get("algorithm", "MD5")}{more}\r\n')


def info_is_right(info, challenge, uri, user="alice", password="secret"):
    """The server's own proof (RFC 7616 3.5), to the credentials that authorization() wrote."""
    c, said = fields_of(challenge), fields_of(info)

    def digest(text):
        return hashlib.new(HASHES[c.get("algorithm", "MD5")], text.encode()).hexdigest()
    ha1, a2 = digest(f"{user}:{c['realm']}:{password}"), digest(f":{uri}")
    return (said["rspauth"] == digest(f"{ha1}:{c['nonce']}:00000001:0a4f113b:auth:{a2}")
            and (said["qop"], said["nc"], said["cnonce"]) == ("auth", "00000001", "0a4f113b"))


def register(phone, headers=""):
    phone.uri = f"sip:{phone.hearth.host}"
    aor = f"<sip:{phone.name}@{phone.hearth.host}>"
    phone.send(phone.request("REGISTER", phone.uri, headers, to=aor))
    return phone.final()


@lib.case
def each_algorithm_in_our_order():
    hearth = serve(sip__auth_algorithms="SHA-256,SHA-512-256,MD5")
    add_user(hearth, "alice")
    challenges = register(lib.Phone(hearth, "alice")).all("WWW-Authenticate")
    assert [fields_of(c)["algorithm"] for c in challenges] == ["SHA-256", "SHA-512-256", "MD5"], challenges
    for index in range(3):
        for qop in ("auth", "auth-int", ""):
            phone = lib.Phone(hearth, "alice")
            asked = register(phone)
            assert asked.status == 401, asked.start
            challenge = asked.all("WWW-Authenticate")[index]
            answer = register(phone, authorization(challenge, "REGISTER", phone.uri, qop=qop))
            assert answer.status == 200, (challenge, qop, answer.start)
            info = answer.get("Authentication-Info")
            assert info_is_right(info, challenge, phone.uri) if qop == "auth" else not info, (challenge, qop, info)
    hearth.stop()


@lib.case
def used_once_and_not_for_ever():
    hearth = serve()
    add_user(hearth, "alice")
    phone = lib.Phone(hearth, "alice")
    challenge = register(phone).get("WWW-Authenticate")
    uri = phone.uri
    assert register(phone, authorization(challenge, "REGISTER", uri)).status == 200
    again = register(phone, authorization(challenge, "REGISTER", uri))
    assert again.status == 401 and fields_of(again.get("WWW-Authenticate")).get("stale") == "true", again.fields
    assert register(phone, authorization(challenge, "REGISTER", uri, nc=2)).status == 200
    assert register(phone, authorization(again.get("WWW-Authenticate"), "REGISTER", uri)).status == 200
    assert hearth.metric("hearth_auth_replayed_total") == 1
    hearth.stop()
    hearth = serve(sip__nonce_life_s=1)
    add_user(hearth, "alice")
    phone = lib.Phone(hearth, "alice")
    challenge = register(phone).get("WWW-Authenticate")
    time.sleep(2.2)
    old = register(phone, authorization(challenge, "REGISTER", phone.uri))
    assert old.status == 401 and fields_of(old.get("WWW-Authenticate")).get("stale") == "true", old.fields
    hearth.stop()


@lib.case
def registrations_go_with_their_user():
    hearth = serve()
    for name in ("alice", "berta"):
        add_user(hearth, name)
        phone = lib.Phone(hearth, name)
        challenge = register(phone).get("WWW-Authenticate")
        assert register(phone, authorization(challenge, "REGISTER", phone.uri, user=name)).status == 200

    def registered():
        return sorted(r["user"] for r in hearth.api("GET", "/api/v1/registrations").json["registrations"])
    assert registered() == ["alice", "berta"], registered()
    assert hearth.api("PATCH", "/api/v1/users/alice", {"display_name": "A"}).status == 200
    assert registered() == ["alice", "berta"], registered()
    assert hearth.api("PATCH", "/api/v1/users/alice", {"enabled": False}).status == 200
    assert registered() == ["berta"], registered()
    assert hearth.api("DELETE", "/api/v1/users/berta").status == 204
    assert registered() == [], registered()
    hearth.stop()
    again = serve(store__path=hearth.directory / "hearth.db")
    users = again.api("GET", "/api/v1/users").json["users"]
    assert [(u["name"], u["enabled"]) for u in users] == [("alice", False)], users
    phone = lib.Phone(again, "alice")
    challenge = register(phone).get("WWW-Authenticate")
    assert register(phone, authorization(challenge, "REGISTER", phone.uri)).status == 401, "disabled"
    assert again.api("PATCH", "/api/v1/users/alice", {"enabled": True}).status == 200
    challenge = register(phone).get("WWW-Authenticate")
    assert register(phone, authorization(challenge, "REGISTER", phone.uri)).status == 200, "the password was kept"
    again.stop()


def refused(hearth, count):
    """What the log tells fail2ban, at least so many."""
    def told():
        return [(m["host"], m["cause"]) for m in REFUSED.finditer(hearth.log_text())]
    lib.wait_for("it is in the log", lambda: len(told()) >= count)
    return told()


@lib.case
def guessing_is_logged_and_locked():
    hearth = serve(sip__auth_failures_max=3, sip__auth_lock_s=6)
    add_user(hearth, "alice")
    phone = lib.Phone(hearth, "alice")
    for _ in range(3):
        challenge = register(phone).get("WWW-Authenticate")
        assert register(phone, authorization(challenge, "REGISTER", phone.uri, password="guess")).status == 401
    challenge = register(phone).get("WWW-Authenticate")
    locked = register(phone, authorization(challenge, "REGISTER", phone.uri))
    assert locked.status == 503 and int(locked.get("Retry-After")) >= 1, locked.fields
    assert refused(hearth, 4) == [("127.0.0.1", "wrong_credentials")] * 3 + [("127.0.0.1", "locked")]
    assert "secret" not in hearth.log_text() and "guess" not in hearth.log_text()
    guest = lib.Phone(hearth, "guest")
    assert guest.invite("lobby").status == 200, "a lock is about credentials, not about calls"
    guest.bye()
    time.sleep(6.1)
    assert register(phone, authorization(challenge, "REGISTER", phone.uri)).status == 200
    hearth.stop()


@lib.case
def wrong_tokens_are_logged():
    hearth = lib.Hearth(http__token="right", check=False)
    lib.wait_for("it serves", lambda: "server.ready" in hearth.log_text(), 20)
    for token, status in ((None, 401), ("guess", 401), ("right", 200)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert hearth.api("GET", "/api/v1/users", **headers).status == status
    assert refused(hearth, 1) == [("127.0.0.1", "wrong_token")]
    assert "guess" not in hearth.log_text()
    hearth.stop()


@lib.case
def scanners_and_strangers_hear_nothing():
    hearth = serve(sip__acl="allow:127.0.0.1,drop:127.0.0.2,deny:127.0.0.0/8")
    for address, agent, length, status in (
            ("127.0.0.1", "friendly-scanner", 0, 0), ("127.0.0.2", "phone", 0, 0), ("127.0.0.3", "phone", 0, 403),
            ("127.0.0.1", "phone", 0, 200), ("127.0.0.1", "phone", "x", 400), ("127.0.0.2", "phone", "x", 0)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((address, 0))
            port = stranger.getsockname()[1]
            stranger.settimeout(1.0 if status == 0 else 5.0 * lib.PATIENCE)
            stranger.sendto((f"OPTIONS sip:{hearth.host} SIP/2.0\r\nVia: SIP/2.0/UDP {address}:{port};rport;branch=z9hG4bK{port}\r\n"
                             f"From: <sip:x@{address}>;tag=1\r\nTo: <sip:{hearth.host}>\r\nCall-ID: {port}\r\nCSeq: 1 OPTIONS\r\n"
                             f"User-Agent: {agent}\r\nContent-Length: {length}\r\n\r\n").encode(), ("127.0.0.1", hearth.sip_port))
            try:
                answer = lib.Message(stranger.recv(4096)).status
            except socket.timeout:
                answer = 0
            assert answer == status, (address, agent, answer)
    assert hearth.metric('hearth_guard_refused_total{cause="scanner"}') == 1
    hearth.stop()


@lib.case
def a_flood_does_not_hurt_a_call():
    hearth = serve(sip__rate_invite=2, sip__rate_burst_s=1)
    talker = lib.Phone(hearth, "talker", samples=lib.tone(440, 1))
    assert talker.invite("lobby").status == 200
    flooder, statuses, branches = lib.Phone(hearth, "flooder"), [], {}
    flooder.uri = f"sip:lobby@{hearth.host}"
    for i in range(20):  # all of them at once
        flooder.call_id = f"flood{i}@test"
        flooder.send(flooder.request("INVITE", flooder.uri, body=flooder.sdp()))
        branches[flooder.call_id] = flooder.invite_branch
    for _ in range(20):
        response = flooder.final()
        flooder.call_id = response.get("Call-ID")
        flooder.invite_branch = branches[flooder.call_id]
        flooder.ack(response)
        statuses.append(response.status)
        if response.status == 503:
            assert response.get("Retry-After") == "1", response.fields
    assert statuses.count(503) >= 15, statuses
    talker.send(talker.request("INVITE", talker.target, body=talker.sdp("sendonly", version=2)))
    held = talker.final(cseq=talker.cseq)
    assert held.status == 200, held.start
    talker.ack(held)
    assert talker.bye().status == 200
    hearth.stop()


# SIPp ------------------------------------------------------------------------------------------------

CALLER = """<?xml version="1.0"?><scenario name="caller">
<send retrans="500"><![CDATA[
%(method)s sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:alice@[remote_ip]:[remote_port]>;tag=[call_number]
To: <sip:%(to)s@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 %(method)s
Contact: <sip:alice@[local_ip]:[local_port]>
Max-Forwards: 70
%(more)s
]]></send>
<recv response="100" optional="true"/>
<recv response="401" auth="true"/>
%(ack1)s
<send retrans="500"><![CDATA[
%(method)s sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:alice@[remote_ip]:[remote_port]>;tag=[call_number]
To: <sip:%(to)s@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 2 %(method)s
Contact: <sip:alice@[local_ip]:[local_port]>
[authentication username=alice password=secret]
Max-Forwards: 70
%(more)s
]]></send>
<recv response="100" optional="true"/>
<recv response="200" rrs="true"/>
%(tail)s
</scenario>"""
ACK = """<send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: %d ACK
Max-Forwards: 70
Content-Length: 0

]]></send>"""
SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
"""
BYE = """<pause milliseconds="200"/><send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:alice@[remote_ip]:[remote_port]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 3 BYE
Max-Forwards: 70
Content-Length: 0

]]></send><recv response="200"/>"""


def sipp(scenario, *arguments, seconds=20):
    seconds = int(seconds * lib.PATIENCE)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sipp-"))
    (directory / "scenario.xml").write_text(scenario)
    command = ["sipp", "-sf", str(directory / "scenario.xml"), "-nostdin", "-i", "127.0.0.1", "-p", str(lib.free_port()),
               "-mp", str(lib.free_port(2)), "-timeout", str(seconds), "-trace_err", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, timeout=seconds + 10, text=True,
                          env=os.environ | {"TERM": "dumb"}), directory


def assert_sipp(result):
    run, directory = result
    errors = "".join(path.read_text(errors="replace") for path in directory.glob("*errors*.log"))
    assert run.returncode == 0, f"sipp {run.returncode}: {errors[:800]}"


@lib.case
def sipp_registers():
    hearth = serve()
    add_user(hearth, "alice")
    scenario = CALLER % {"method": "REGISTER", "to": "alice", "more": "Expires: 60\nContent-Length: 0\n", "ack1": "", "tail": ""}
    assert_sipp(sipp(scenario, hearth.host, "-s", "alice", "-m", "5", "-r", "5"))
    assert hearth.metric("hearth_auth_good_total") == 5
    hearth.stop()


@lib.case
def sipp_calls_where_all_are_asked():
    hearth = serve(sip__auth="all")
    add_user(hearth, "alice", display_name="Alice A.")
    scenario = CALLER % {"method": "INVITE", "to": "lobby", "more": SDP, "ack1": ACK % 1, "tail": ACK.replace("[last_Via:]",
                         "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]") % 2 + BYE}
    events = lib.Events(hearth)
    assert_sipp(sipp(scenario, hearth.host, "-s", "lobby", "-m", "3", "-r", "3"))
    joined = events.wait("participant.joined")
    assert joined["participant"]["display_name"] == "Alice A.", joined
    assert lib.Phone(hearth, "guest").invite("lobby").status == 401
    events.stop()
    hearth.stop()


# baresip ---------------------------------------------------------------------------------------------

@lib.case
def baresip_registers_and_calls():
    hearth = serve(sip__auth="users")
    add_user(hearth, "alice")
    wav = pathlib.Path(tempfile.mkdtemp()) / "alice.wav"
    lib.speech(wav, "This is Alice, who has shown her password.", seconds=20)
    phone = lib.Baresip("alice", wav, account=f"<sip:alice@{hearth.host}>;auth_user=alice;auth_pass=secret;regint=60")
    lib.wait_for("registered", lambda: hearth.metric("hearth_auth_good_total") >= 1, 15)
    phone.command("dial", f"sip:lobby@{hearth.host}")
    lib.wait_for("in the room", lambda: hearth.connected("lobby"), 15)
    assert hearth.metric("hearth_auth_good_total") >= 2 and hearth.metric("hearth_auth_wrong_total") == 0
    hearth.stop()


@lib.case
def who_owns_a_room_gets_straight_in():
    hearth = serve(sip__auth="users", dialin__numbers="8000=en")
    add_user(hearth, "anna")
    room = {"id": "4711", "pin": "1234", "lobby": True, "owner": "anna"}
    assert hearth.api("POST", "/api/v1/rooms", room).json["owner"] == "anna"
    guest = lib.Phone(hearth, "guest")
    assert guest.invite("4711").status == 200, "answered, to be asked for the PIN"
    assert not hearth.participants("4711"), "and in no roster meanwhile"
    for number, digits in (("4711", ""), ("8000", "4711#")):
        anna = lib.Phone(hearth, "anna")
        asked = anna.invite(number)
        assert asked.status == 401, asked.start
        anna.to = None
        assert anna.invite(number, authorization(asked.get("WWW-Authenticate"), "INVITE", anna.uri, user="anna")).status == 200
        if digits:
            is_spoken_to(anna)
            press(anna, digits)
            answer_reinvite(anna)
        owner = lib.wait_for("the owner is in", lambda: hearth.connected("4711"), 30)
        assert [(p["role"], p["state"]) for p in owner] == [("moderator", "connected")], owner
        assert anna.bye().status == 200
        lib.wait_for("gone", lambda: not hearth.participants("4711"), 30)
    press(guest, "1234#")
    answer_reinvite(guest)
    people = lib.wait_for("the guest waits", lambda: hearth.participants("4711"), 30)
    assert [p["role"] for p in people] == ["guest"] and not hearth.connected("4711"), people
    hearth.stop()


@lib.case
def who_hides_is_hidden_from_the_callee_too():
    hearth = serve()
    add_user(hearth, "alice")
    alice, guest = lib.Phone(hearth, "alice"), lib.Phone(hearth, "guest")
    challenge = register(alice).get("WWW-Authenticate")
    assert register(alice, authorization(challenge, "REGISTER", alice.uri)).status == 200
    for headers, shown in (("", "sip:guest@"), ("Privacy: id\r\n", "sip:anonymous@anonymous.invalid")):
        guest.uri, guest.to, guest.call_id = f"sip:alice@{hearth.host}", None, os.urandom(6).hex()
        guest.send(guest.request("INVITE", guest.uri, headers, guest.sdp()))
        invite = alice.wait_request("INVITE")
        assert shown in invite.get("From"), invite.fields
        assert "guest" not in str(invite.fields) or not headers, invite.fields
        alice.answer(invite, 486, "Busy Here")
        refused = guest.final()
        assert refused.status == 486, refused.start
        guest.ack(refused)
    hearth.stop()


@lib.case
def calls_go_out_for_who_may():
    wav = pathlib.Path(tempfile.mkdtemp()) / "bob.wav"
    lib.speech(wav, "Bob is somewhere else.", seconds=20)
    bob = lib.Baresip("bob", wav)
    hearth = serve(sip__domains="hearth.test", sip__outbound_proxy=f"sip:127.0.0.1:{bob.port}")
    target = "sip:bob@elsewhere.example"
    assert lib.Phone(hearth, "guest").invite("bob", uri=target).status == 404, "nobody has the right"
    add_user(hearth, "alice", may_dial_out=True)
    add_user(hearth, "carol")
    for name, status in (("carol", 403), ("alice", 200)):
        phone = lib.Phone(hearth, name)
        asked = phone.invite("bob", uri=target)
        assert asked.status == 401, asked.start
        phone.to = None
        answer = phone.invite("bob", authorization(asked.get("WWW-Authenticate"), "INVITE", target, user=name), uri=target)
        assert answer.status == status, (name, answer.start)
    assert "Privacy" not in bob.log_text()
    calls = hearth.api("GET", "/api/v1/calls").json["calls"]
    assert [c["to"] for c in calls] == [target], calls
    assert phone.bye().status == 200
    hearth.stop()


# As a client -----------------------------------------------------------------------------------------

def keys_file(text):
    path = pathlib.Path(tempfile.mkdtemp()) / "credentials"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


KAMAILIO = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
listen=udp:127.0.0.1:%(port)d
mpath="%(modules)s"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "auth.so"
modparam("auth", "qop", "auth")
modparam("auth", "nonce_count", 1)
modparam("auth", "one_time_nonce", 0)
%(algorithm)s
request_route {
	if (!is_method("ACK|CANCEL") && $ua =~ "hearth") {
		if (!pv_proxy_authenticate("kamailio.test", "kamsecret", "0")) {
			proxy_challenge("kamailio.test", "1");
			exit;
		}
		consume_credentials();
	}
	if (has_totag()) {
		loose_route();
		t_relay();
		exit;
	}
	if (is_method("INVITE")) record_route();
	t_relay();
}
"""


def challenger(algorithm=""):
    return Kamailio(KAMAILIO, algorithm=f'modparam("auth", "algorithm", "{algorithm}")' if algorithm else "")


@lib.case
def kamailio_asks_and_is_answered():
    for algorithm in ("", "SHA-256"):
        proxy = challenger(algorithm)
        hearth = serve(sip__outbound_proxy=f"sip:127.0.0.1:{proxy.port}",
                       sip__credentials_file=keys_file("# of the trunk\nkamailio.test trunk kamsecret\n"))
        hearth.api("POST", "/api/v1/rooms", {"id": "lobby"})
        wav = pathlib.Path(tempfile.mkdtemp()) / "bob.wav"
        lib.speech(wav, "Bob answers behind a proxy that asks for passwords.", seconds=20)
        bob = lib.Baresip("bob", wav)
        lib.wait_for("baresip", lambda: "baresip is ready" in bob.log_text(), 10)
        answer = hearth.api("POST", "/api/v1/rooms/lobby/participants", {"uri": bob.uri})
        assert answer.status == 202, answer.text
        lib.wait_for("bob is in", lambda: hearth.connected("lobby"), 15)
        assert hearth.metric('hearth_sip_responses_received_total{class="4xx"}') == 1, "one challenge, one answer"
        assert hearth.api("DELETE", f"/api/v1/rooms/lobby/participants/{answer.json['id']}").status == 204
        lib.wait_for("the BYE was answered",
                     lambda: hearth.metric('hearth_sip_responses_received_total{class="2xx"}') == 2, 10)
        assert hearth.metric('hearth_sip_responses_received_total{class="4xx"}') == 1, "the BYE had its count unasked"
        assert "kamsecret" not in hearth.log_text()
        hearth.stop()
        proxy.stop()


@lib.case
def a_wrong_password_ends_the_call():
    proxy = challenger()
    hearth = serve(sip__outbound_proxy=f"sip:127.0.0.1:{proxy.port}", sip__credentials_file=keys_file("* trunk wrong\n"))
    hearth.api("POST", "/api/v1/rooms", {"id": "lobby"})
    events = lib.Events(hearth)
    assert hearth.api("POST", "/api/v1/rooms/lobby/participants", {"uri": "sip:bob@127.0.0.1:9"}).status == 202
    left = events.wait("participant.left")
    assert left["cause"] == "unauthorized" and left["status"] == 407, left
    sent = hearth.metric('hearth_sip_requests_sent_total{method="INVITE"}')
    assert sent in (2, 3), sent  # the second, now a large one, is tried by TCP first (RFC 3261 18.1.1)
    events.stop()
    hearth.stop()
    proxy.stop()


@lib.case
def files_of_secrets_are_for_the_owner():
    path = keys_file("kamailio.test trunk kamsecret\n")
    path.chmod(0o644)
    hearth = lib.Hearth(check=False, sip__credentials_file=path)
    assert hearth.process.wait(10 * lib.PATIENCE) == 1
    assert "credentials.refused" in hearth.log_text() and "kamsecret" not in hearth.log_text()
    lib._running.remove(hearth)


if __name__ == "__main__":
    lib.main()
