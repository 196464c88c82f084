"""A browser as a phone: signalling over a secure WebSocket (RFC 7118), from a page of another site.

The page is a user agent of a few lines. With JSSIP=FILE (the browser bundle of JsSIP), the same is done with that library:
    npm i jssip esbuild && npx esbuild node_modules/jssip/lib/JsSIP.js --bundle --global-name=JsSIP --outfile=jssip.js
    JSSIP=jssip.js /usr/bin/python3 tests/browser/test_websocket.py jssip_calls_a_room
"""
import functools
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "flow"))

import lib  # noqa: E402
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402

FLAGS = ("--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-dev-shm-usage --ignore-certificate-errors "
         "--use-fake-ui-for-media-stream --use-fake-device-for-media-stream").split()

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


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Site:
    """A web site on loopback with one page; its origin is .origin."""

    def __init__(self, files):
        self.directory = tempfile.mkdtemp(prefix="hearth-site-")
        for name, text in files.items():
            (pathlib.Path(self.directory) / name).write_text(text)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=self.directory))
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        lib._running.append(self)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Browser:
    def __init__(self, site):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in FLAGS + [f"--user-data-dir={self.profile}"]:
            options.add_argument(flag)
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        lib._running.append(self)
        self.driver.get(site.origin + "/phone.html")

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait_log(self, wanted, seconds=10):
        def seen():
            return any(line.startswith(wanted) for line in self.run("return window.phone.log"))
        try:
            return lib.wait_for(wanted, seen, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.run('return window.phone.log')}") from None

    def stop(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)


def hearth_with_wss(**options):
    keys = pathlib.Path(tempfile.mkdtemp(prefix="hearth-wss-"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", str(keys / "key.pem"), "-out", str(keys / "cert.pem"), "-days", "2", "-subj", "/CN=hearth",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    port, udp = lib.free_port() + 1, lib.free_port()
    hearth = lib.Hearth(**{"sip__listen": f"udp:127.0.0.1:{udp},wss:127.0.0.1:{port}", "sip__tls_certificate": keys / "cert.pem",
                           "sip__tls_key": keys / "key.pem"} | options)
    hearth.sip_port, hearth.host, hearth.wss = udp, f"127.0.0.1:{udp}", f"wss://127.0.0.1:{port}/"
    return hearth


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


def jssip_calls_a_room():
    site = Site({"phone.html": "<!doctype html><meta charset=utf-8><script src=jssip.js></script>",
                 "jssip.js": pathlib.Path(os.environ["JSSIP"]).read_text()})
    hearth = hearth_with_wss()
    browser = Browser(site)
    browser.run("""
        window.phone = {log: []};
        const socket = new JsSIP.WebSocketInterface(arguments[0]);
        const agent = window.agent = new JsSIP.UA({sockets: [socket], uri: "sip:web@127.0.0.1", register: false});
        for (const name of ["connected", "disconnected", "newMessage"]) agent.on(name, () => phone.log.push(name));
        agent.start();""", hearth.wss)
    browser.wait_log("connected")
    browser.run("""
        const events = {};
        for (const name of ["sending", "progress", "accepted", "confirmed", "ended", "failed"])
          events[name] = (event) => phone.log.push(name + " " + (event && event.cause || ""));
        agent.call("sip:room1@127.0.0.1", {eventHandlers: events, mediaConstraints: {audio: true, video: false}});""")
    browser.wait_log("sending")
    lib.wait_for("an end or a call", lambda: any(line.startswith(("failed", "confirmed")) for line in browser.run("return phone.log")), 15)
    log = browser.run("return phone.log")
    print("#", log, flush=True)
    assert "failed Incompatible SDP" in log or any(line.startswith("confirmed") for line in log), log


if "JSSIP" in os.environ:
    lib.case(jssip_calls_a_room)

lib.main()
