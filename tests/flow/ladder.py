"""Call flows as SIPp plays them, written down as one reads them.

    alice = Caller(hearth, "lobby")
    alice.send("INVITE", body=SDP); alice.recv(100, optional=True); alice.recv(200, Contact="isfocus")
    alice.ack(); alice.send("BYE"); alice.recv(200)
    alice.run()

Each becomes a scenario of SIPp, which fails when anything comes that is not written, or in another order. Values are
regular expressions that a header field (`Retry_After` for Retry-After), or the `body`, must match.
"""
import html
import pathlib
import re
import subprocess
import tempfile

import lib

SDP = """v=0
o=- 1 %(version)d IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[local_ip_type] %(address)s
t=0 0
m=audio %(port)s RTP/AVP 0
a=ptime:20
a=%(direction)s
"""


def sdp(version=1, direction="sendrecv", address="[local_ip]", port="[media_port]"):
    return SDP % {"version": version, "direction": direction, "address": address, "port": port}


class Ladder:
    """One end of a flow: SIPp on a port of its own, the steps in order."""

    def __init__(self, name):
        self.name = name
        self.port, self.media_port = lib.free_port(), lib.free_port(2)
        self.uri = f"sip:{name}@127.0.0.1:{self.port}"
        self.steps, self.branches, self.process = [], 0, None
        self.globals = ""  # of all calls of the scenario: an element of SIPp
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"ladder-{name}-"))

    # Steps

    def pause(self, milliseconds):
        self.steps.append(f'<pause milliseconds="{milliseconds}"/>')

    def _recv(self, what, optional=False, auth=False, saves="", rrs=False, **wanted):
        actions = saves
        for field, pattern in wanted.items():
            where = 'search_in="body"' if field == "body" else f'search_in="hdr" header="{field.replace("_", "-")}:"'
            inverse = pattern is None  # must not be there
            actions += (f'<ereg regexp="{"." if inverse else html.escape(pattern)}" {where} '
                        f'check_it{"_inverse" if inverse else ""}="true" assign_to="seen"/>')
        flags = "".join(f' {flag}="true"' for flag, on in (("optional", optional), ("auth", auth), ("rrs", rrs)) if on)
        self.steps.append(f"<recv {what}{flags}>{f'<action>{actions}</action>' if actions else ''}</recv>")

    def _send(self, lines, body, content_type="application/sdp", again=True):
        if body:
            lines += f"Content-Type: {content_type}\nContent-Length: [len]\n\n{body}"
        else:
            lines += "Content-Length: 0\n"
        self.steps.append(f'<send{" retrans=" + chr(34) + "500" + chr(34) if again else ""}><![CDATA[\n{lines}\n]]></send>')

    def _via(self, branch=None):
        self.branches += branch is None
        return f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK[pid]x[call_number]n{branch or self.branches}\n"

    # Running

    def start(self, *arguments, seconds=20):
        text = "\n".join(self.steps)
        names = ",".join(sorted(set(re.findall(r'assign_to="(\w+)"', text))))
        (self.directory / "ladder.xml").write_text(
            f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="{self.name}">\n{self.globals}{text}\n'
            f'{f"<Reference variables={chr(34)}{names}{chr(34)}/>" if names else ""}\n</scenario>\n')
        self.process = subprocess.Popen(
            ["sipp", *self.where(), "-sf", "ladder.xml", *(arguments or ("-m", "1")), "-i", "127.0.0.1", "-p", str(self.port), "-mp",
             str(self.media_port), "-nostdin", "-timeout", f"{int(seconds * lib.PATIENCE)}s", "-timeout_error", "-trace_err", "-error_file",
             "errors"], cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lib.wait_for("sipp listens", lambda: self.process.poll() is not None
                     or lib.is_taken(self.port))

    def finish(self):
        output, _ = self.process.communicate(timeout=40 * lib.PATIENCE)
        errors = self.directory / "errors"
        said = errors.read_text(errors="replace") if errors.exists() else output[-1500:]
        assert self.process.returncode == 0, f"{self.name}: sipp ended with {self.process.returncode}: {said[:1500]}"

    def run(self, *arguments):
        self.start(*arguments)
        self.finish()


class Caller(Ladder):
    """Begins. Its first request makes the dialog; what follows a 2xx goes to the Contact, by the route."""

    def __init__(self, hearth, user="lobby", name="alice"):
        super().__init__(name)
        self.hearth = hearth
        self.target = f"sip:{user}@[remote_ip]:[remote_port]" if user else "sip:[remote_ip]:[remote_port]"
        self.aor, self.cseq, self.invite, self.in_dialog = self.target, 0, None, False

    def where(self):
        return [self.hearth.host]

    def send(self, method, headers="", body="", content_type="application/sdp", to=None, vias="", contact=None, uri=None,
             again=True, max_forwards=70):
        """`contact` "" leaves it out."""
        self.cseq += 1
        if contact is None:
            contact = f"<sip:{self.name}@[local_ip]:[local_port];transport=[transport]>"
        if method == "INVITE":
            self.invite = (self.cseq, self.branches + 1)
        where = uri or ("[next_url]" if self.in_dialog else self.target)
        self._send(f"{method} {where} SIP/2.0\n{self._via()}{vias}Max-Forwards: {max_forwards}\n"
                   f"From: <sip:{self.name}@[local_ip]:[local_port]>;tag=[pid]t[call_number]\n"
                   f"To: <{to or self.aor}>{'[peer_tag_param]' if self.in_dialog else ''}\nCall-ID: [call_id]\n"
                   f"CSeq: {self.cseq} {method}\n"
                   f"{f'Contact: {contact}' + chr(10) if contact else ''}{'[routes]' + chr(10) if self.in_dialog else ''}{headers}", body, content_type, again)

    def recv(self, status, optional=False, auth=False, dialog=True, reliable=False, **wanted):
        """A 2xx to an INVITE makes the dialog, and so does a `reliable` 1xx, whose number is [$rseq] from then on."""
        makes = dialog and self.invite is not None and (200 <= status < 300 or reliable)
        rseq = '<ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq"/>' if reliable else ""
        self._recv(f'response="{status}"', optional, auth, saves=rseq, rrs=makes, **wanted)
        self.in_dialog = self.in_dialog or makes

    def ack(self, body="", refused=False):
        cseq, branch = self.invite
        where = self.target if refused else "[next_url]"
        self._send(f"ACK {where} SIP/2.0\n{self._via(branch if refused else None)}Max-Forwards: 70\n"
                   f"From: <sip:{self.name}@[local_ip]:[local_port]>;tag=[pid]t[call_number]\n[last_To:]\nCall-ID: [call_id]\n"
                   f"CSeq: {cseq} ACK\n{'' if refused else '[routes]' + chr(10)}", body, again=False)

    def cancel(self):
        cseq, branch = self.invite
        self._send(f"CANCEL {self.target} SIP/2.0\n{self._via(branch)}Max-Forwards: 70\n"
                   f"From: <sip:{self.name}@[local_ip]:[local_port]>;tag=[pid]t[call_number]\nTo: <{self.aor}>\n"
                   f"Call-ID: [call_id]\nCSeq: {cseq} CANCEL\n", "")

    def expect(self, method, headers="", **wanted):
        """A request of the server's in the dialog, answered 200."""
        self._recv(f'request="{method}"', **wanted)
        self._send(f"SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n{headers}", "",
                   again=False)


SAVES = "".join(f'<ereg regexp=".*" search_in="hdr" header="{field}:" assign_to="{variable}"/>' for field, variable in
                (("Via", "via"), ("From", "from"), ("To", "to"), ("CSeq", "cseq")))
SAVES += '<ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" check_it="true" assign_to="target"/>'


class Callee(Ladder):
    """Is called by the server, at .uri."""

    def __init__(self, name="bob"):
        super().__init__(name)
        self.cseq, self.routes = 0, ""

    def where(self):
        return []

    def recv(self, method, **wanted):
        """An INVITE is remembered for the answers to it."""
        self._recv(f'request="{method}"', saves=SAVES if method == "INVITE" else "", **wanted)

    def reply(self, status, reason="", headers="", body="", invite=True, contact=None):
        """To the INVITE; with invite=False to the last request."""
        fields = (f"Via:[$via]\n{self.routes}From:[$from]\nTo:[$to];tag=[pid]s[call_number]\n[last_Call-ID:]\nCSeq:[$cseq]\n" if invite else
                  "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n")
        self._send(f"SIP/2.0 {status} {reason or 'Reason'}\n{fields}"
                   f"Contact: {contact or f'<sip:{self.name}@[local_ip]:[local_port]>'}\n{headers}", body,
                   again=invite and status >= 200)

    def answered(self, status, optional=False, **wanted):
        """A response to what send() sent."""
        self._recv(f'response="{status}"', optional, **wanted)

    def ack(self):
        """Of the 200 to an INVITE that send() sent."""
        self._send(f"ACK [$target] SIP/2.0\n{self._via()}Max-Forwards: 70\nFrom:[$to];tag=[pid]s[call_number]\nTo:[$from]\n"
                   f"[last_Call-ID:]\nCSeq: {self.cseq} ACK\n", "", again=False)

    def send(self, method, headers="", body=""):
        self.cseq += 1
        self._send(f"{method} [$target] SIP/2.0\n{self._via()}Max-Forwards: 70\nFrom:[$to];tag=[pid]s[call_number]\nTo:[$from]\n"
                   f"[last_Call-ID:]\nCSeq: {self.cseq} {method}\nContact: <sip:{self.name}@[local_ip]:[local_port]>\n{headers}", body)
