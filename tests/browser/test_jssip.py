"""JsSIP in a headless Chromium, over a secure WebSocket: the signalling of a softphone that many web pages use.

The library comes from the npm registry at the versions of package-lock.json, and is bundled once for each of them. What
Chromium itself offers is DTLS-SRTP. So that calls come about whatever the mixer speaks, a stand-in for its peer
connection describes plain RTP, which this script sends and hears; the last case takes the browser as it is.
"""
import re

from chromium import Browser, Site, from_npm, hearth_with_wss, lib

PAGE = """<!doctype html><meta charset=utf-8><title>phone</title><script src=jssip.js></script><script>
class PlainPeer extends EventTarget {
  iceConnectionState = "completed"; iceGatheringState = "complete"; signalingState = "stable"; version = 0;
  describe(type) {
    return Promise.resolve({type, sdp: `v=0\\r\\no=- 1 ${++this.version} IN IP4 127.0.0.1\\r\\ns=-\\r\\nc=IN IP4 127.0.0.1\\r\\n` +
      `t=0 0\\r\\nm=audio ${phone.port} RTP/AVP 0\\r\\na=rtpmap:0 PCMU/8000\\r\\na=sendrecv\\r\\n`});
  }
  createOffer() { return this.describe("offer"); }
  createAnswer() { return this.describe("answer"); }
  async setLocalDescription(given) {
    this.localDescription = given;
    this.signalingState = given.type == "offer" ? "have-local-offer" : "stable";
  }
  async setRemoteDescription(given) {
    this.remoteDescription = given; phone.theirs = given.sdp;
    this.signalingState = given.type == "offer" ? "have-remote-offer" : "stable";
  }
  addTrack() {}
  getSenders() { return []; }
  close() {}
}
// phone.log: what happens, a line each.
window.phone = {log: [], port: 0, theirs: ""};
function say(...words) { phone.log.push(words.filter((word) => word !== undefined).join(" ")); }
function watch(session) {
  phone.session = session;
  for (const name of ["sending", "progress", "accepted", "confirmed", "ended", "failed", "hold", "unhold"])
    session.on(name, (event) => say(name, event && event.originator, event && event.cause));
}
function start(url, uri, password) {
  const agent = phone.agent = new JsSIP.UA({sockets: [new JsSIP.WebSocketInterface(url)], uri, password,
                                            register: Boolean(password), session_timers: true});
  for (const name of ["connected", "disconnected", "registered", "unregistered", "registrationFailed"])
    agent.on(name, (event) => say(name, event && event.cause));
  agent.on("newRTCSession", (event) => { say("session", event.originator); watch(event.session); });
  agent.on("newMessage", (event) => { if (event.originator == "remote") say("message", event.request.body); });
  agent.start();
}
const told = (what) => ({succeeded: (event) => say(what, event.response.status_code),
                         failed: (event) => say(what, event.response ? event.response.status_code : event.cause)});
</script>"""


def page(hearth, port=0, plain=True):
    browser = Browser(Site({"phone.html": PAGE, "jssip.js": from_npm("jssip.js")}))
    browser.run("phone.port = arguments[0]; if (arguments[1]) window.RTCPeerConnection = PlainPeer", port, plain)
    return browser


def speak(browser, rtp):
    """Sound to where the server's last description says."""
    sdp = browser.run("return phone.theirs")
    rtp.start((re.search(r"^c=IN IP4 (\S+)", sdp, re.M).group(1), int(re.search(r"^m=audio (\d+)", sdp, re.M).group(1))))


def forget(browser):
    browser.run("phone.log = []")


@lib.case
def registers_calls_and_is_called():
    hearth = hearth_with_wss(sip__realm="hearth.test", sip__auth="users")
    assert hearth.api("POST", "/api/v1/users", {"name": "web", "password": "secret"}).status == 201
    events, web = lib.Events(hearth), lib.Rtp(lib.tone(600, 1))
    desk = lib.Phone(hearth, "desk", samples=lib.tone(900, 1))
    assert desk.invite("room1").status == 200
    browser = page(hearth, web.port)
    browser.run("start(arguments[0], 'sip:web@127.0.0.1', 'secret')", hearth.wss)
    browser.wait_log("registered")
    listed = hearth.api("GET", "/api/v1/registrations").json["registrations"]
    assert [(entry["user"], entry["transport"]) for entry in listed] == [("web", "wss")], listed
    browser.run("phone.agent.sendOptions('sip:room1@127.0.0.1', null, {eventHandlers: told('options')})")
    browser.wait_log("options 200")

    # It calls, is challenged, holds, sends a digit by INFO and a text; a roster comes.
    browser.run("phone.agent.call('sip:room1@127.0.0.1', {mediaStream: new MediaStream()})")
    browser.wait_log("confirmed local")
    assert hearth.metric("hearth_auth_good_total") >= 2 and hearth.metric("hearth_auth_wrong_total") == 0
    speak(browser, web)
    lib.hears(desk, 600)
    lib.hears(web, 900)
    browser.run("phone.session.hold()")
    lib.wait_for("on hold", lambda: any(p["state"] == "on-hold" for p in hearth.participants("room1")))
    browser.run("phone.session.unhold()")
    lib.wait_for("resumed", lambda: all(p["state"] == "connected" for p in hearth.participants("room1")))
    browser.run("phone.session.sendDTMF('5')")
    events.wait("dtmf", digit="5")
    browser.run("phone.agent.sendMessage('sip:room1@127.0.0.1', 'hello', {eventHandlers: told('text')})")
    assert desk.wait_request("MESSAGE").body == "web: hello"
    browser.run("""const roster = phone.agent.subscribe('sip:room1@127.0.0.1', 'conference', 'application/conference-info+xml', {});
                   roster.on('notify', (last, request, body) => say('roster', /<users/.test(body)));
                   roster.on('terminated', (code, reason) => say('roster ends', reason));
                   roster.subscribe(); phone.roster = roster""")
    browser.wait_log("roster true")
    browser.run("phone.roster.terminate()")
    browser.wait_log("roster ends")
    browser.run("phone.session.terminate()")
    browser.wait_log("ended local")
    lib.wait_for("it has left", lambda: len(hearth.connected("room1")) == 1)

    # It is called, over its connection, and rung off; then it is busy.
    def call():
        forget(browser)
        made = hearth.api("POST", "/api/v1/rooms/room1/participants", {"uri": "sip:web@127.0.0.1"})
        assert made.status == 202, made.text
        browser.wait_log("session remote")
        return made.json["id"]
    seat = call()
    lib.wait_for("it rings", lambda: any(p["state"] == "alerting" for p in hearth.participants("room1")))
    browser.run("phone.session.answer({mediaStream: new MediaStream()})")
    browser.wait_log("confirmed remote")
    speak(browser, web)
    assert hearth.api("DELETE", f"/api/v1/rooms/room1/participants/{seat}").status == 204
    browser.wait_log("ended remote")
    call()
    browser.run("phone.session.terminate({status_code: 486})")
    events.wait("participant.left", status=486)
    browser.run("phone.agent.unregister()")
    browser.wait_log("unregistered")
    assert not hearth.api("GET", "/api/v1/registrations").json["registrations"]
    assert desk.bye().status == 200


@lib.case
def hands_its_call_over():
    """REFER in the call: the room calls the desk in, and the page hears how it went."""
    hearth = hearth_with_wss()
    browser = page(hearth, lib.free_port())
    desk = lib.Phone(hearth, "desk")
    browser.run("start(arguments[0], 'sip:web@127.0.0.1')", hearth.wss)
    browser.wait_log("connected")
    browser.run("phone.agent.call('sip:room1@127.0.0.1', {mediaStream: new MediaStream()})")
    browser.wait_log("confirmed local")
    browser.run("""phone.session.refer(arguments[0], {eventHandlers: {accepted: () => say('handed over'),
                   failed: (event) => say('not handed over', event.status_line)}})""", f"sip:desk@127.0.0.1:{desk.port}")
    invite = desk.wait_request("INVITE")
    assert "sip:web@" in invite.get("Referred-By"), invite.fields
    desk.answer(invite, body=desk.sdp())
    desk.wait_request("ACK")
    browser.wait_log("handed over")
    lib.wait_for("both are in", lambda: len(hearth.connected("room1")) == 2)
    browser.run("phone.session.terminate()")
    lib.wait_for("one is left", lambda: len(hearth.connected("room1")) == 1)
    hearth.api("DELETE", "/api/v1/rooms/room1/participants/" + hearth.connected("room1")[0]["id"])
    desk.answer(desk.wait_request("BYE"))


@lib.case
def a_wrong_password_is_told():
    hearth = hearth_with_wss(sip__realm="hearth.test", sip__auth="users")
    assert hearth.api("POST", "/api/v1/users", {"name": "web", "password": "secret"}).status == 201
    browser = page(hearth)
    browser.run("start(arguments[0], 'sip:web@127.0.0.1', 'guess')", hearth.wss)
    browser.wait_log("registrationFailed Authentication Error")
    assert hearth.metric("hearth_auth_wrong_total") == 1


@lib.case
def with_the_media_of_the_browser():
    """Its own offer earns a call, or a refusal that JsSIP understands."""
    hearth = hearth_with_wss()
    browser = page(hearth, plain=False)
    browser.run("start(arguments[0], 'sip:web@127.0.0.1')", hearth.wss)
    browser.wait_log("connected")
    browser.run("phone.agent.call('sip:room1@127.0.0.1', {mediaConstraints: {audio: true, video: false}})")

    def outcome():
        return [line for line in browser.run("return phone.log") if line.startswith(("failed", "confirmed"))]
    log = lib.wait_for("an end or a call", outcome, 15)
    assert log[0] in ("failed remote Incompatible SDP", "confirmed local"), log


lib.main()
