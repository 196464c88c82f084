"""A browser as a phone: signalling over a secure WebSocket (RFC 7118), from a page of another site.

The page is a user agent of a few lines, so that every message is known here. test_jssip.py does the same with a library.
"""
from chromium import Browser, Site, hearth_with_wss, lib

PAGE = """<!doctype html><meta charset=utf-8><title>phone</title><script>
// A user agent of one call, as small as it can be. log: start lines as they pass; say(): what has come so far.
class Phone {
  constructor(url, protocol) {
    this.host = Math.random().toString(36).slice(2) + ".invalid";
    this.id = Math.random().toString(36).slice(2);
    this.cseq = 0; this.log = []; this.to = ""; this.bye = "";
    this.socket = new WebSocket(url, protocol || "sip");
    this.socket.onopen = () => this.log.push("open");
    this.socket.onclose = (event) => this.log.push("close " + event.code);
    this.socket.onmessage = (event) => this.got(event.data);
  }
  field(text, name) { return (text.match(new RegExp("^" + name + ": *(.*)$", "im")) || ["", ""])[1].trim(); }
  send(method, uri, body, type) {
    const cseq = method == "ACK" ? this.cseq : ++this.cseq;
    this.socket.send(`${method} ${uri} SIP/2.0\\r\\nVia: SIP/2.0/WSS ${this.host};branch=z9hG4bK${Math.random().toString(36).slice(2)}\\r\\n` +
      `Max-Forwards: 70\\r\\nFrom: <sip:web@${this.host}>;tag=${this.id}\\r\\nTo: ${this.to || `<${uri}>`}\\r\\nCall-ID: ${this.id}\\r\\n` +
      `CSeq: ${cseq} ${method}\\r\\nContact: <sip:web@${this.host};transport=ws>\\r\\n` +
      (body ? `Content-Type: ${type || "application/sdp"}\\r\\n` : "") + `Content-Length: ${(body || "").length}\\r\\n\\r\\n${body || ""}`);
  }
  got(text) {
    const start = text.split("\\r\\n")[0];
    this.log.push(start);
    if (start.startsWith("SIP/2.0 ")) {
      if (/INVITE$/.test(this.field(text, "CSeq")) && start[8] > "1") {
        this.to = this.field(text, "To"); this.answer = text;
        this.target = (this.field(text, "Contact").match(/<(.*?)>/) || ["", ""])[1];
        if (start[8] == "2") this.send("ACK", this.target);  // a refusal's ACK would need its branch; the server does not wait on a stream
      }
    } else if (!start.startsWith("ACK ")) {
      const copy = ["Via", "From", "To", "Call-ID", "CSeq"].map((name) => `${name}: ${this.field(text, name)}\\r\\n`).join("");
      this.socket.send(`SIP/2.0 200 OK\\r\\n${copy}Content-Length: 0\\r\\n\\r\\n`);
    }
  }
}
</script>"""


@lib.case
def a_page_calls_a_room():
    site = Site({"phone.html": PAGE})
    hearth = hearth_with_wss(sip__ws_origins=site.origin, sip__ws_ping_s=1)
    browser = Browser(site)
    browser.run("window.phone = new Phone(arguments[0])", hearth.wss)
    browser.wait_log("open")
    browser.run("phone.send('OPTIONS', 'sip:127.0.0.1')")
    browser.wait_log("SIP/2.0 200")

    # What the browser itself would offer is DTLS-SRTP: refused in good order where that is not spoken, and the socket stays.
    offer = browser.driver.execute_async_script("""
        const done = arguments[0], peer = new RTCPeerConnection();
        peer.addTransceiver("audio");
        peer.createOffer().then((offer) => done(offer.sdp));""")
    assert "UDP/TLS/RTP/SAVPF" in offer and "a=fingerprint:" in offer, offer
    browser.run("phone.log = []; phone.send('INVITE', 'sip:room1@127.0.0.1', arguments[0])", offer)
    lib.wait_for("a final answer", lambda: any(line[8:9] in "2456" for line in browser.run("return phone.log")
                                               if line.startswith("SIP/2.0 ") and not line.startswith("SIP/2.0 1")))
    final = [line for line in browser.run("return phone.log") if line.startswith("SIP/2.0 ")][-1]
    assert final.startswith("SIP/2.0 488") or (final.startswith("SIP/2.0 200") and "a=fingerprint" in browser.run("return phone.answer")), final

    # An offer of plain RTP is a call like any other.
    rtp = lib.Rtp(None)
    sdp = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {rtp.port} RTP/AVP 0\r\n"
    browser.run("window.phone = new Phone(arguments[0])", hearth.wss)
    browser.wait_log("open")
    browser.run("phone.send('INVITE', 'sip:room2@127.0.0.1', arguments[0])", sdp)
    browser.wait_log("SIP/2.0 200")
    lib.wait_for("it is in the room", lambda: len(hearth.connected("room2")) == 1)
    one = hearth.connected("room2")[0]
    hearth.api("DELETE", f"/api/v1/rooms/room2/participants/{one['id']}")
    browser.wait_log("BYE sip:web@")
    lib.wait_for("gone", lambda: not hearth.participants("room2"))
    rtp.stop()

    # Pages of other sites, and other subprotocols, do not come in.
    browser.run("window.phone = new Phone(arguments[0], 'chat')", hearth.wss)
    browser.wait_log("close 1006")
    browser.driver.get(Site({"phone.html": PAGE}).origin + "/phone.html")
    browser.run("window.phone = new Phone(arguments[0])", hearth.wss)
    browser.wait_log("close 1006")


lib.main()
