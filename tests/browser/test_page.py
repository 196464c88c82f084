"""The page in a headless Chromium, against a real hearthd with phones that speak.

    /usr/bin/python3 tests/browser/test_page.py [CASE...]       runs the cases
    /usr/bin/python3 tests/browser/test_page.py --screenshot    writes docs/page.png, page-dark.png, page-phone.png

Phones, server and the ok / not ok lines come from tests/flow/lib.py.
"""
import atexit
import functools
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "flow"))

import lib  # noqa: E402
from chromium import from_npm  # noqa: E402
import numpy  # noqa: E402
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

FLAGS = ("--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --force-color-profile=srgb").split()


# The browser ------------------------------------------------------------------------------------------

def clock(text):
    """Seconds of the first 00:00 in it, or nothing."""
    found = re.search(r"(\d+):(\d\d)", text)
    return int(found[1]) * 60 + int(found[2]) if found else 0


@functools.cache
def chromium():
    """One for all cases: its start takes longer than most of them. Each server is another site to it, so that nothing is shared."""
    profile = tempfile.mkdtemp(prefix="chromium-")
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS + [f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)

    def end():
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)
    atexit.register(end)
    return driver


class Browser:
    """One page of one server, in a tab of its own. stop() fails when the page had errors of its own (CSP, exceptions)."""

    def __init__(self, hearth, path="/", width=1200, height=860):
        self.hearth, self.driver = hearth, chromium()
        self.first = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        lib._running.append(self)
        self.size(width, height)
        self.driver.get(f"http://127.0.0.1:{hearth.http_port}{path}")

    def size(self, width, height, scale=1):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500})

    def colors(self, scheme):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def one(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css):
        return self.run("return (document.querySelector(arguments[0]) || {}).textContent || ''", css).strip()

    def texts(self, css):
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())", css)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def is_shown(self, css):
        return self.run("const e = document.querySelector(arguments[0]);"
                        "return Boolean(e && e.checkVisibility && e.checkVisibility())", css)

    def wait_text(self, css, wanted, seconds=10):
        try:
            lib.wait_for(f"{css} says {wanted!r}", lambda: wanted in self.text(css), seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {self.text(css)!r}") from None

    def wait_people(self, *names):
        lib.wait_for(f"{names} are in the room", lambda: self.texts(".person .name") == list(names), 10)

    def person(self, name, css=""):
        """Element of a participant, by the name shown."""
        found = self.run("""const [name, css] = arguments;
            const person = [...document.querySelectorAll('.person')].find((e) => e.querySelector('.name').textContent.trim() === name);
            return css && person ? person.querySelector(css) : person""", name, css)
        assert found, f"no {name} {css} among {self.texts('.person .name')}"
        return found

    def level(self, name):
        return float(self.run("return getComputedStyle(arguments[0]).getPropertyValue('--level')",
                              self.person(name)) or 0)

    def wait_seconds(self, css, seconds):
        """Until that clock (00:02) shows so many or more."""
        lib.wait_for(f"{css} shows {seconds} s", lambda: clock(self.text(css)) >= seconds)

    def errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" and "status of 4" not in entry["message"]
                and "net::ERR_" not in entry["message"]]

    def stop(self):
        if self in lib._running:
            lib._running.remove(self)
        errors = self.errors()
        self.driver.close()
        self.driver.switch_to.window(self.first)
        assert not errors, errors


class Guest(lib.Phone):
    """A phone with a name, which joins a room and speaks its samples."""

    def __init__(self, hearth, name, samples=None, room=None, loss=0.0):
        super().__init__(hearth, name.split()[0].lower(), samples=samples)
        self.shown = name
        if loss:
            send = self.rtp._send
            dice = random.Random(7)

            def lossy(at):
                remote = self.rtp.remote
                self.rtp.remote = None if dice.random() < loss else remote
                send(at)
                self.rtp.remote = remote
            self.rtp._send = lossy
        if room:
            assert self.invite(room).status == 200

    def request(self, method, uri, *more, **named):
        return super().request(method, uri, *more, **named).replace("From: <", f'From: "{self.shown}" <', 1)


def room_with(hearth, *guests, room="kitchen"):
    hearth.api("POST", "/api/v1/rooms", {"id": room})
    return [Guest(hearth, name, samples, room) for name, samples in guests]


SPEAKS = lib.tone(440, 1.0, 6000.0)
SILENT = None


# The cases ------------------------------------------------------------------------------------------------

@lib.case
def a_room_is_made_and_people_appear():
    hearth = lib.Hearth()
    page = Browser(hearth)
    page.wait_text("#link-text", "Live")
    lib.wait_for("the hint for no rooms", lambda: page.is_shown("#rooms-empty"))
    assert f"@{hearth.host}" in page.text("#dial"), page.text("#dial")
    assert "conference-factory@" in page.text("#dial")
    page.one("#create-id").send_keys("kitchen", Keys.ENTER)
    page.wait_text("#room-title", "kitchen")
    assert page.text("#room-uri") == f"sip:kitchen@{hearth.host}"
    lib.wait_for("the hint for nobody", lambda: page.is_shown("#people-empty"))
    anna = Guest(hearth, "Anna Berg", SILENT, "kitchen")
    page.wait_people("Anna Berg")
    Guest(hearth, "Bert", SILENT, "kitchen")
    page.wait_people("Anna Berg", "Bert")
    page.wait_text(".room-link .count", "2")
    assert page.text("#announce") == "Bert has joined."
    Guest(hearth, "Carl", SILENT, "office")  # a room that a call makes
    lib.wait_for("office in the list", lambda: page.texts(".room-label") == ["kitchen", "office"])
    anna.bye()
    page.wait_people("Bert")
    page.wait_text(".room-link .count", "1")
    page.one("#create-id").send_keys("kitchen", Keys.ENTER)
    page.wait_text("#alert-text", "a room of that name exists")
    page.stop()
    hearth.stop()


@lib.case
def levels_follow_the_voices():
    hearth = lib.Hearth()
    room_with(hearth, ("Anna", SPEAKS), ("Bert", SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Anna", "Bert")
    lib.wait_for("Anna's bar", lambda: page.level("Anna") > 0.5)
    lib.wait_for("Anna speaks", lambda: page.person("Anna").get_attribute("data-talking") == "yes")
    assert page.level("Bert") < 0.05
    assert page.person("Bert").get_attribute("data-talking") == "no"
    lib.wait_for("it is written", lambda: page.person("Anna", ".state").text == "speaks")
    lib.wait_for("the bar is wide", lambda: page.run("return arguments[0].getBoundingClientRect().width", page.person("Anna", ".bar-fill")) > 100)
    lib.wait_for("the list tells of it", lambda: page.one(".room-link").get_attribute("data-talking") == "yes")
    lib.wait_for("quality", lambda: page.person("Anna", ".quality").get_attribute("data-quality") == "good", 30)
    page.stop()
    hearth.stop()


@lib.case
def muting_by_mouse_and_keyboard():
    hearth = lib.Hearth()
    anna, bert = room_with(hearth, ("Anna", SPEAKS), ("Bert", SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Anna", "Bert")
    lib.hears(bert, 440, above=3000)
    page.person("Anna", ".mute").click()
    lib.wait_for("pressed", lambda: page.person("Anna", ".mute").get_attribute("aria-label") == "Unmute Anna")
    assert hearth.participants("kitchen")[0]["muted"] is True
    assert page.person("Anna", ".mute").text == "Unmute"
    lib.hears_not(bert, 440, below=50)
    page.person("Anna", ".mute").send_keys(Keys.SPACE)
    lib.wait_for("released", lambda: page.person("Anna", ".mute").get_attribute("aria-label") == "Mute Anna")
    focused = page.run("return document.activeElement.getAttribute('aria-label')")
    assert focused == "Mute Anna", focused  # the element is the same: focus stays
    lib.hears(bert, 440, above=3000)
    page.person("Bert", ".deaf").send_keys(Keys.ENTER)
    lib.wait_for("Bert is deaf", lambda: hearth.participants("kitchen")[1]["deaf"])
    lib.hears_not(bert, 440, below=50)
    hearth.api("PATCH", f"/api/v1/rooms/kitchen/participants/{hearth.participants('kitchen')[1]['id']}", {"deaf": False})
    lib.wait_for("what others do is shown", lambda: page.person("Bert", ".deaf").text == "Deafen")
    page.stop()
    hearth.stop()


@lib.case
def people_are_removed_and_rooms_closed():
    hearth = lib.Hearth()
    anna, bert = room_with(hearth, ("Anna", SILENT), ("Bert", SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Anna", "Bert")
    page.person("Anna", ".kick").click()
    bye = anna.wait_request("BYE")
    anna.answer(bye)
    page.wait_people("Bert")
    page.one("#room-lock").click()
    page.wait_text("#room-note", "locked")
    assert hearth.room("kitchen")["locked"] is True
    assert Guest(hearth, "Carl").invite("kitchen").status == 486
    page.one("#room-mute").click()
    page.wait_text("#room-note", "muted by the room")
    lib.wait_for("Bert is muted", lambda: page.person("Bert").get_attribute("data-muted") == "yes")
    page.one("#room-close").click()
    lib.wait_for("the question", lambda: page.is_shown("#ask-dialog"))
    page.one("#ask-dialog button[value=no]").click()
    time.sleep(0.3)
    assert hearth.room("kitchen"), "a question that was answered with no"
    page.one("#room-close").click()
    lib.wait_for("the question", lambda: page.is_shown("#ask-dialog"))
    page.one("#ask-yes").click()
    bert.answer(bert.wait_request("BYE"))
    lib.wait_for("the room is gone", lambda: not hearth.room("kitchen"))
    lib.wait_for("from the page too", lambda: not page.texts(".room-label") and not page.is_shown("#view"))
    page.stop()
    hearth.stop()


@lib.case
def somebody_is_called_in():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "kitchen"})
    dora, busy = Guest(hearth, "Dora"), Guest(hearth, "Emil")
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_text("#room-title", "kitchen")
    page.one("#invite-uri").send_keys(f"dora@127.0.0.1:{dora.port}")
    page.one("#invite-name").send_keys("Dora Lind", Keys.ENTER)
    invite = dora.wait_request("INVITE")
    dora.answer(invite, 180, "Ringing")
    page.wait_people("Dora Lind")
    page.wait_text(".person .state", "is ringing")
    dora.answer(invite, 200, "OK", headers=f"Contact: <sip:dora@127.0.0.1:{dora.port}>\r\n", body=dora.sdp())
    lib.wait_for("Dora is in", lambda: page.person("Dora Lind").get_attribute("data-here") == "yes")
    page.one("#invite-uri").send_keys(f"sip:emil@127.0.0.1:{busy.port}")
    page.one("#invite-name").send_keys("Emil", Keys.ENTER)
    busy.answer(busy.wait_request("INVITE"), 486, "Busy Here")
    page.wait_text("#alert-text", "Emil could not be reached: busy.")
    page.wait_people("Dora Lind")
    page.one("#alert-close").click()
    assert not page.is_shown("#alert")
    page.one("#invite-uri").send_keys(f"sip:emil@127.0.0.1:{busy.port}", Keys.ENTER)
    nameless = busy.wait_request("INVITE")
    page.wait_people("Dora Lind", "emil")  # the address stands below
    busy.answer(nameless, 486, "Busy Here")
    page.wait_text("#alert-text", "emil could not be reached: busy.")
    page.wait_people("Dora Lind")
    page.one("#invite-uri").send_keys("mailto:emil@example.org", Keys.ENTER)
    page.wait_text("#alert-text", "not a URI that can be called")
    page.stop()
    hearth.stop()


@lib.case
def a_waiting_guest_is_admitted_and_recorded():
    directory = tempfile.mkdtemp(prefix="hearth-rec-")
    hearth = lib.Hearth(recordings__path=directory, recordings__announce="false")
    page = Browser(hearth)
    page.wait_text("#link-text", "Live")
    page.one("#create-id").send_keys("board")
    page.one("#create-more summary").click()
    page.one("#create-moderator-pin").send_keys("98765")
    page.one("#create-lobby").click()
    page.one("#create button[type=submit]").click()
    page.wait_text("#room-title", "board")
    made = hearth.room("board")
    assert made["lobby"] and made["has_moderator_pin"] and not made["has_pin"], made
    hearth.api("PATCH", "/api/v1/rooms/board", {"moderator_pin": None})
    page.wait_text("#room-lobby", "End lobby")

    guest = Guest(hearth, "Gerda", SPEAKS, "board")
    page.wait_people("Gerda")
    page.wait_text(".person .state", "waits to be let in")
    page.wait_text("#announce", "Gerda waits to be let in.")
    assert not page.is_shown(".person .mute"), "nothing to mute yet"
    page.person("Gerda", ".admit").click()
    lib.wait_for("Gerda is in", lambda: page.person("Gerda").get_attribute("data-here") == "yes")
    assert hearth.connected("board") and not page.is_shown(".person .admit")
    lib.wait_for("focus goes on", lambda: page.run("return document.activeElement.getAttribute('aria-label')") == "Mute Gerda")

    page.one("#room-record").click()
    page.wait_text("#recording-state", "Recording")
    page.wait_seconds("#recording-time", 2)
    assert hearth.room("board")["recording"] is True
    page.one("#recording-pause").click()
    page.wait_text("#recording-state", "Recording, paused")
    page.wait_text("#recording-pause", "Resume")
    page.one("#room-record").click()
    lib.wait_for("it is listed", lambda: page.is_shown(".recording .actions"))
    assert not page.is_shown("#recording-now") and page.text("#room-record") == "Record"
    length_s = hearth.api("GET", "/api/v1/recordings").json["recordings"][0]["length_ms"] / 1000
    assert length_s > 1.5 and abs(clock(page.text(".recording .about")) - length_s) <= 1, (length_s, page.text(".recording .about"))
    page.one(".recording .play").click()
    lib.wait_for("the sound", lambda: abs((page.run("return document.querySelector('.recording audio').duration") or 0) - length_s) < 0.5)

    page.one(".recording .delete").click()
    lib.wait_for("the question", lambda: page.is_shown("#ask-dialog"))
    page.one("#ask-yes").click()
    lib.wait_for("none is listed", lambda: not page.texts(".recording"))
    assert hearth.api("GET", "/api/v1/recordings").json["recordings"] == []
    assert not list(pathlib.Path(directory).iterdir())
    guest.bye()
    page.wait_text("#announce", "Gerda has left.")
    page.stop()
    hearth.stop()


@lib.case
def something_is_played_to_all():
    """A tone and a file, by mouse and by keyboard alone."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hearth-sounds-"))
    lib.write_opus(directory / "chime.opus", lib.tone(600, 0.5))
    hearth = lib.Hearth(sounds__path=str(directory))
    [guest] = room_with(hearth, ("Gerda", SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Gerda")
    page.one("#plays-box summary").click()
    lib.wait_for("sounds are listed", lambda: "chime.opus" in page.text("#play-what"))
    page.run("document.getElementById('play-what').value = 'tone:440:2000'")
    page.one("#play-loop").click()
    page.one("#play-start").click()
    page.wait_text("#plays .what", "440 Hz")
    lib.hears(guest, 440, above=1000)
    page.one("#plays .hold").click()
    page.wait_text("#plays .hold", "Resume")
    lib.hears_not(guest, 440, below=60)
    page.one("#plays .stop").send_keys(Keys.ENTER)
    lib.wait_for("nothing is played", lambda: not page.texts("#plays .what"))
    assert hearth.api("GET", "/api/v1/rooms/kitchen/plays").json["plays"] == []
    page.run("document.getElementById('play-what').value = 'file:chime.opus'")
    page.one("#play-start").send_keys(Keys.ENTER)
    page.wait_text("#plays .what", "chime.opus")
    lib.hears(guest, 600, above=1000)
    page.stop()
    hearth.stop()


@lib.case
def a_whole_meeting():
    """Opened, people admitted, moderated and recorded, what was said played back, closed; all by the page."""
    directory = tempfile.mkdtemp(prefix="hearth-rec-")
    hearth = lib.Hearth(recordings__path=directory, recordings__announce="false", recordings__tracks="true")
    page = Browser(hearth)
    page.wait_text("#link-text", "Live")
    page.one("#create-id").send_keys("board", Keys.ENTER)
    page.wait_text("#room-title", "board")
    page.one("#room-lobby").click()
    page.wait_text("#room-lobby", "End lobby")
    anna, bert = (Guest(hearth, name, samples, "board") for name, samples in (("Anna", SPEAKS), ("Bert", SILENT)))
    page.wait_people("Anna", "Bert")
    lib.wait_for("both wait", lambda: page.is_shown("#room-admit"))
    page.one("#room-admit").click()
    lib.wait_for("both are in", lambda: len(hearth.connected("board")) == 2 and not page.is_shown("#room-admit"))
    page.wait_text("#log", "has joined")

    page.person("Anna", ".more").click()
    lib.wait_for("the dialog", lambda: page.is_shown("#more-dialog"))
    page.run("document.getElementById('more-role').value = 'moderator'")
    page.one("#more-dialog button[value=yes]").click()
    lib.wait_for("Anna moderates", lambda: hearth.participants("board")[0]["role"] == "moderator")
    page.wait_text(".person .tags", "moderator")
    bert.rtp.digit(5)
    page.wait_text("#log", "pressed 5")
    page.one("#say-text").send_keys("The minutes are online.", Keys.ENTER)
    told = bert.wait_request("MESSAGE")
    bert.answer(told)
    page.wait_text("#log", "The minutes are online.")

    page.one("#settings-box summary").click()
    page.one("#set-minutes").send_keys("90")
    page.one("#set-moderator_pin").send_keys("98765")
    page.run("document.getElementById('set-record').value = 'tracks'")
    page.one("#settings button[type=submit]").click()
    lib.wait_for("saved", lambda: hearth.room("board")["max_duration_s"] == 5400)
    assert hearth.room("board")["record"] == "tracks" and hearth.room("board")["has_moderator_pin"]
    page.person("Bert", ".mute").click()
    lib.wait_for("Bert is muted", lambda: hearth.participants("board")[1]["muted"])

    page.one("#room-record").click()
    page.wait_seconds("#recording-time", 2)
    page.one("#room-record").click()
    lib.wait_for("it can be played", lambda: page.is_shown(".recording .play"))
    page.one(".recording .play").click()
    lib.wait_for("its sound", lambda: page.run("return document.querySelector('.recording > audio').duration > 1.5"))
    lib.wait_for("it has tracks", lambda: page.is_shown(".recording .tracks-of"))
    page.one(".recording .tracks-of").click()
    lib.wait_for("of both", lambda: page.texts(".tracks span") == ["Anna", "Bert"])

    page.person("Bert", ".more").click()
    lib.wait_for("the dialog", lambda: page.is_shown("#more-dialog"))
    page.one("#more-dialog button[value=ban]").click()
    bert.answer(bert.wait_request("BYE"))
    page.wait_people("Anna")
    lib.wait_for("he is kept out", lambda: page.is_shown("#bans-box"))
    assert Guest(hearth, "Bert").invite("board").status == 403
    page.one("#bans button").click()
    lib.wait_for("no more", lambda: not page.is_shown("#bans-box"))
    page.one("#room-close").click()
    lib.wait_for("the question", lambda: page.is_shown("#ask-dialog"))
    page.one("#ask-yes").click()
    anna.answer(anna.wait_request("BYE"))
    lib.wait_for("the room is gone", lambda: not hearth.room("board") and not page.is_shown("#view"))
    page.stop()
    hearth.stop()
    shutil.rmtree(directory)


def set_value(page, element, value):
    page.run("const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change'))", element, value)


def open_more(page, name):
    page.person(name, ".more").click()
    lib.wait_for("the dialog", lambda: page.is_shown("#more-dialog"), 30)


def close_more(page, word="yes"):
    page.one(f"#more-dialog button[value={word}]").click()
    lib.wait_for("it is closed", lambda: not page.is_shown("#more-dialog"), 30)


@lib.case
def more_can_be_done_to_a_participant():
    """Who hears whom, coaching, its sound, digits for it; what the room does to all, and a move that fails."""
    hearth = lib.Hearth()
    anna, bert, carl = room_with(hearth, ("Anna", SPEAKS), ("Bert", SILENT), ("Carl", SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Anna", "Bert", "Carl")

    def person(name):
        return next(p for p in hearth.participants("kitchen") if p["display_name"] == name)

    lib.hears(bert, 440, above=3000)
    open_more(page, "Anna")
    page.run("document.querySelector('#more-dialog details').open = true")
    set_value(page, "more-speaks", "whisper")
    for switch in ("denoise", "auto_level", "inband_dtmf"):
        page.one(f"#more-{switch}").click()
    set_value(page, "more-language", "fr")
    close_more(page)
    lib.wait_for("it is so", lambda: person("Anna")["speaks"] == ["whisper"] and person("Anna")["denoise"] and person("Anna")["auto_level"]
                 and person("Anna")["inband_dtmf"] and person("Anna")["language"] == "fr", 30)
    lib.hears_not(bert, 440)
    open_more(page, "Anna")
    assert page.run("return document.getElementById('more-speaks').value") == "whisper"
    set_value(page, "more-speaks", "main")
    close_more(page)
    lib.wait_for("Anna speaks to all", lambda: person("Anna")["speaks"] == ["main"], 30)

    open_more(page, "Carl")
    set_value(page, "more-mode", "coach")
    lib.wait_for("whom", lambda: page.is_shown("#more-coaches"), 30)
    set_value(page, "more-coaches", person("Bert")["id"])
    close_more(page)
    lib.wait_for("Carl coaches Bert", lambda: person("Carl")["coaches"] == person("Bert")["id"], 30)
    lib.wait_for("it is shown", lambda: "coaches Bert" in page.person("Carl", ".tags").text, 30)
    open_more(page, "Carl")
    set_value(page, "more-mode", "listen")
    close_more(page)
    lib.wait_for("Carl listens", lambda: person("Carl")["coaches"] is None and person("Carl")["muted"], 30)

    open_more(page, "Bert")
    page.one("#more-digits").send_keys("12#", Keys.ENTER)
    page.wait_text("#more-digits-sent", "Sent 12#.", 30)
    page.one("#more-digits").send_keys("nonsense", Keys.ENTER)
    page.wait_text("#more-digits-sent", "Not sent", 30)
    close_more(page, "no")
    lib.wait_for("Bert's phone has them", lambda: [e for i, e in enumerate(events_of(bert)) if i == 0 or events_of(bert)[i - 1] != e] == [1, 2, 11], 30)

    page.one("#settings-box summary").click()
    for switch in ("denoise", "auto_level", "inband_dtmf", "pass_dtmf", "names"):
        page.one(f"#set-{switch}").click()
    set_value(page, "set-loudest", "3")
    set_value(page, "set-language", "it")
    set_value(page, "set-owner", "anna")
    set_value(page, "set-codecs", "PCMU, opus")
    set_value(page, "set-noise_gate_dbov", "-45")
    set_value(page, "set-opens", "2035-01-01T10:00")
    lib.wait_for("whom it calls is known", lambda: page.one("#set-invitees").is_enabled(), 30)
    set_value(page, "set-invitees", "zoe@127.0.0.9\nsip:yan@127.0.0.9\n")
    page.one("#settings button[type=submit]").click()
    lib.wait_for("saved", lambda: all(hearth.room("kitchen")[s] for s in ("denoise", "auto_level", "inband_dtmf", "pass_dtmf", "names"))
                 and hearth.room("kitchen")["loudest"] == 3 and hearth.room("kitchen")["language"] == "it", 30)
    room = hearth.room("kitchen")
    assert room["owner"] == "anna" and room["codecs"] == ["PCMU", "opus"] and room["noise_gate_dbov"] == -45, room
    assert room["invitees"] == ["sip:zoe@127.0.0.9", "sip:yan@127.0.0.9"], room

    busy = lib.Phone(hearth, "other")
    page.one("#migrate-box summary").click()
    page.one("#migrate-to").send_keys(f"other@127.0.0.1:{busy.port}", Keys.ENTER)
    busy.answer(busy.wait_request("INVITE", 30), 486, "Busy Here")
    page.wait_text("#migrate-now", "could not be moved", 30)
    page.stop()
    hearth.stop()


def events_of(phone):
    """Telephone-events that came, in order."""
    return [p[4][0] for p in list(phone.rtp.packets) if p[3] == 101]


@lib.case
def breakout_rooms_and_mailboxes():
    directory = tempfile.mkdtemp(prefix="hearth-rec-")
    hearth = lib.Hearth(recordings__path=directory, recordings__announce="false")
    hearth.api("POST", "/api/v1/rooms", {"id": "plenum", "pin": "1234"})
    guests = []
    for name in ("Anna", "Bert", "Carl"):
        guests.append(Guest(hearth, name))
        hearth.api("POST", "/api/v1/rooms/plenum/participants", {"uri": f"sip:{name.lower()}@127.0.0.1:{guests[-1].port}", "display_name": name})
        invite = guests[-1].wait_request("INVITE", 30)
        guests[-1].call_id = invite.get("Call-ID")
        guests[-1].answer(invite, body=guests[-1].sdp())
        assert guests[-1].wait_request("ACK", 30)
    page = Browser(hearth, "#/rooms/plenum")
    page.wait_people("Anna", "Bert", "Carl")
    page.one("#breakout-box summary").click()
    page.one("#breakout button[type=submit]").click()
    lib.wait_for("they are spread", lambda: len(hearth.connected("plenum-1")) == 2 and len(hearth.connected("plenum-2")) == 1, 30)
    page.wait_text("#breakout-now", "Open now: plenum-1, plenum-2.", 30)
    for guest in guests:
        request = guest.wait_request("INVITE", 30)
        guest.answer(request, body=guest.sdp(version=2))
    lib.wait_for("the button", lambda: page.is_shown("#breakout-back"), 30)
    page.one("#breakout-back").click()
    lib.wait_for("all are back", lambda: len(hearth.connected("plenum")) == 3 and not hearth.room("plenum-1"), 30)
    lib.wait_for("the page has them", lambda: sorted(page.texts(".person .name")) == ["Anna", "Bert", "Carl"], 30)

    dora = Guest(hearth, "Dora")
    page.one("#invite-uri").send_keys(f"dora@127.0.0.1:{dora.port}")
    set_value(page, "invite-ask", "pin")
    page.one("#invite button[type=submit]").click()
    invite = dora.wait_request("INVITE", 30)
    dora.call_id = invite.get("Call-ID")
    dora.answer(invite, body=dora.sdp())
    lib.wait_for("she waits, and is asked", lambda: any(p["state"] == "pending" for p in hearth.participants("plenum")), 30)

    assert not page.is_shown("#mailboxes-box")
    hearth.api("POST", "/api/v1/mailboxes/plenum/messages", {"from": "sip:bob@192.0.2.20", "from_name": "Bob", "subject": "Late",
                                                              "text": "I come at ten.", "urgent": True})
    page.wait_text("#mailboxes .about", "1 new of 1, 1 urgent", 30)
    page.one("#mailboxes button").click()
    page.wait_text("#mails .from", "New: Late from Bob, urgent", 30)
    assert page.text("#mails .text") == "I come at ten."
    page.one("#mails .read").click()
    page.wait_text("#mailboxes .about", "0 new of 1", 30)
    made = hearth.api("POST", "/api/v1/rooms/plenum/recordings", {}).json
    lib.wait_for("a second of it", lambda: hearth.api("GET", f"/api/v1/recordings/{made['id']}").json["length_ms"] >= 1000)
    hearth.api("PATCH", f"/api/v1/recordings/{made['id']}", {"stopped": True})
    lib.wait_for("the recording is a message", lambda: len(page.texts("#mails .mail")) == 2, 30)
    page.one("#mails li:nth-child(2) .listen").click()
    lib.wait_for("its sound", lambda: page.run("return document.querySelectorAll('#mails audio')[1].duration > 0.5"), 30)
    page.one("#mails li:first-child .remove").click()
    lib.wait_for("one is left", lambda: len(hearth.api("GET", "/api/v1/mailboxes/plenum/messages").json["messages"]) == 1
                 and len(page.texts("#mails .mail")) == 1, 30)
    page.one("#mail-close").click()
    lib.wait_for("closed", lambda: not page.is_shown("#mail-dialog"), 30)
    page.stop()
    hearth.stop()
    shutil.rmtree(directory)


def violations(page):
    """What axe-core finds serious; its script was run before."""
    found = page.driver.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run().then((r) => done(r.violations.map((v) =>"
        " [v.impact, v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120))])))")
    return [each for each in found if each[0] in ("serious", "critical")]


def no_violations(page, where):
    """Once its colours have changed."""
    bad = []

    def are_none():
        bad[:] = violations(page)
        return not bad
    try:
        lib.wait_for(f"nothing serious in {where}", are_none, pause=0.3)
    except AssertionError as error:
        raise AssertionError(f"{error}: {bad}") from None


@lib.case
def what_is_written_is_read_by_all():
    """Texts (RFC 3428) from a phone, from the API and from the page; plain and CPIM; never as HTML."""
    hearth = lib.Hearth()
    anna, bert = room_with(hearth, ("Anna", SILENT), ("Bert", SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Anna", "Bert")
    page.wait_text("#link-text", "Live", 30)

    def read(phone):
        told = phone.wait_request("MESSAGE", 30)
        phone.answer(told)
        return told.body

    def lines():
        return list(zip(page.texts("#log p[data-kind=text] .speaker"), page.texts("#log p[data-kind=text] .said")))

    def write(text, content_type="text/plain"):
        anna.send(anna.request("MESSAGE", anna.target, body=text, content_type=content_type))
        assert anna.final(30, cseq=anna.cseq).status == 202

    evil = "<b>good</b> <img src=x onerror=alert(1)>"
    write(evil)
    assert read(bert) == f"Anna: {evil}"
    write("From: Anna <sip:anna@127.0.0.1>\r\n\r\nContent-Type: text/plain\r\n\r\none\r\n\r\ntwo", "message/cpim")
    assert read(bert).endswith("one\r\n\r\ntwo")
    hearth.api("POST", "/api/v1/rooms/kitchen/messages", {"text": "w" * 1000, "from": "Desk"})
    assert [read(anna), read(bert)] == ["Desk: " + "w" * 1000] * 2
    wanted = [("Anna", evil), ("Anna", "one\r\n\r\ntwo"), ("Desk", "w" * 1000)]
    lib.wait_for("all of it is in the log", lambda: lines() == wanted, 30)
    assert page.run("return document.querySelectorAll('#log img, #log b').length") == 0
    assert page.run("const { log } = window; return log.scrollWidth <= log.clientWidth"), "a long word is wrapped"

    page.one("#say-from").send_keys("Gerda at the door", Keys.TAB)
    page.driver.switch_to.active_element.send_keys("Tea is ready.", Keys.ENTER)
    assert [read(anna), read(bert)] == ["Gerda at the door: Tea is ready."] * 2
    wanted.append(("Gerda at the door", "Tea is ready."))
    lib.wait_for("the page has its own text", lambda: lines() == wanted, 30)
    lib.wait_for("the field is empty", lambda: page.run("return document.getElementById('say-text').value") == "", 30)
    page.run("document.getElementById('say-text').value = 'ö'.repeat(3000)")
    page.one("#say button").click()
    page.wait_text("#alert-text", "Sending the text: ", 30)
    assert page.run("return document.getElementById('say-text').value.length") == 3000, "what was refused is kept"
    assert lines() == wanted, "more than 4,096 octets"
    page.run("for (let i = 0; i < 300; i++) addLine('text', 'Anna', `line ${i}`, new Date().toISOString())")
    assert len(lines()) == 200 and lines()[-1] == ("Anna", "line 299"), lines()[-1]

    page.run(from_npm("axe.js"))
    for scheme in ("light", "dark"):
        page.colors(scheme)
        no_violations(page, scheme)
    page.driver.refresh()
    lib.wait_for("the name is kept for this tab", lambda: page.run("return document.getElementById('say-from').value") == "Gerda at the door", 30)
    page.stop()
    hearth.stop()


@lib.case
def axe_finds_nothing_serious():
    """axe-core, in light and dark, with everything open that can be."""
    directory = tempfile.mkdtemp(prefix="hearth-rec-")
    hearth = lib.Hearth(recordings__path=directory, recordings__announce="false")
    room_with(hearth, ("Anna", SPEAKS), ("Bert", SILENT))
    made = hearth.api("POST", "/api/v1/rooms/kitchen/recordings", {"tracks": True}).json
    hearth.api("POST", "/api/v1/rooms/kitchen/bans", {"uri": "sip:eve@127.0.0.9"})
    time.sleep(0.5)
    hearth.api("PATCH", f"/api/v1/recordings/{made['id']}", {"stopped": True})
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Anna", "Bert")
    lib.wait_for("all is there", lambda: page.is_shown("#bans-box") and page.is_shown(".recording .play"))
    hearth.api("POST", "/api/v1/rooms/kitchen/messages", {"text": "hello"})
    hearth.api("POST", "/api/v1/mailboxes/kitchen/messages", {"subject": "Late", "text": "I come at ten."})
    page.wait_text("#log", "hello")
    page.run("for (const box of document.querySelectorAll('details')) box.open = true")
    page.run(from_npm("axe.js"))
    for scheme in ("light", "dark"):
        page.colors(scheme)
        for dialog, opens in (("", ""), ("more-dialog", ".person .more"), ("mail-dialog", "#mailboxes button"),
                              ("ask-dialog", "#room-close")):
            if opens:
                page.one(opens).click()
                lib.wait_for("the dialog", lambda: page.is_shown(f"#{dialog}"))
            no_violations(page, (scheme, dialog))
            if dialog:
                page.one(f"#{dialog} button[value=no]").click()
    page.stop()
    hearth.stop()
    shutil.rmtree(directory)


@lib.case
def the_token_is_asked_for():
    hearth = lib.Hearth(check=False, http__token="open-sesame")
    lib.wait_for("the server", hearth.is_ready)
    page = Browser(hearth)
    lib.wait_for("the question", lambda: page.is_shown("#token-dialog"))
    assert page.run("return document.activeElement.id") == "token" and not page.is_shown("#token-wrong")
    page.one("#token").send_keys("wrong", Keys.ENTER)
    lib.wait_for("the question again", lambda: page.is_shown("#token-wrong"))
    page.one("#token").send_keys("open-sesame", Keys.ENTER)
    page.wait_text("#link-text", "Live")
    page.one("#create-id").send_keys("kitchen", Keys.ENTER)
    page.wait_text("#room-title", "kitchen")
    page.driver.refresh()
    page.wait_text("#link-text", "Live")  # kept for this tab
    assert not page.is_shown("#token-dialog")
    page.stop()
    hearth.stop()


@lib.case
def the_connection_comes_back():
    hearth = lib.Hearth()
    hearth.api("POST", "/api/v1/rooms", {"id": "kitchen"})
    page = Browser(hearth)
    page.wait_text(".room-label", "kitchen")
    port, directory = hearth.http_port, hearth.directory
    hearth.stop()
    page.wait_text("#link-text", "Connection lost")
    again = lib.Hearth(directory, check=False, http__listen=f"127.0.0.1:{port}")
    again.http_port = port
    lib.wait_for("the server is back", again.is_ready, 20)
    again.api("POST", "/api/v1/rooms", {"id": "office"})
    page.wait_text("#link-text", "Live", 20)
    lib.wait_for("rooms of the new life", lambda: page.texts(".room-label") == ["kitchen", "office"])
    page.stop()
    again.stop()


@lib.case
def it_fits_a_phone():
    hearth = lib.Hearth()
    room_with(hearth, ("Anna Berg-Lindenström of the northern branch office", SPEAKS), ("Bert", SILENT))
    hearth.api("POST", "/api/v1/rooms", {"id": "a-room-with-quite-a-long-name-that-does-not-fit-anywhere-01234567"[:64]})
    page = Browser(hearth, width=360, height=740)
    lib.wait_for("rooms", lambda: len(page.texts(".room-label")) == 2)
    for path in ("#/", "#/rooms/kitchen"):
        page.run("location.hash = arguments[0]", path)
        lib.wait_for("that part is there", lambda: page.is_shown("#people") == (path != "#/"))
        lib.wait_for(f"{path} is narrow", lambda: page.run("return document.documentElement.scrollWidth") <= 360)
        small = page.run("""return [...document.querySelectorAll('button, .room-link, input')]
            .filter((e) => e.checkVisibility() && !e.classList.contains('icon'))
            .filter((e) => e.getBoundingClientRect().height < 40).map((e) => e.outerHTML.slice(0, 80))""")
        assert not small, small
    assert not page.is_shown(".rooms") and page.is_shown("#people"), "one column at a time"
    page.one(".back").click()
    lib.wait_for("back to the rooms", lambda: page.is_shown(".rooms") and not page.is_shown("#people"))
    page.stop()
    hearth.stop()


CONTRASTS = """
const parse = (c) => c.match(/[0-9.]+/g).map(Number);
const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = (e) => {
    for (; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] > 0.99) return c;
    }
    return [255, 255, 255];
};
const poor = [];
for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest('.hidden, [disabled]')) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(parse(style.color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 600);
    if (ratio < (isLarge ? 3 : 4.5)) poor.push(`${e.className || e.tagName}: ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
}
return poor;
"""


@lib.case
def light_and_dark_are_readable():
    hearth = lib.Hearth()
    room_with(hearth, ("Anna", SPEAKS), ("Bert", SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Anna", "Bert")
    page.person("Bert", ".mute").click()
    page.one("#room-lock").click()
    grounds = []
    for scheme in ("light", "dark"):
        page.colors(scheme)
        try:
            lib.wait_for(f"{scheme} is rich in contrast", lambda: not page.run(CONTRASTS))  # WCAG 2.2, 1.4.3
        except AssertionError as error:
            raise AssertionError(f"{error}: {page.run(CONTRASTS)}") from None
        grounds.append(page.run("return getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1], grounds
    page.stop()
    hearth.stop()


@lib.case
def it_can_be_used_without_eyes_or_mouse():
    hearth = lib.Hearth()
    room_with(hearth, ("Anna", SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people("Anna")
    nameless = page.run("""return [...document.querySelectorAll('button, a, input')].filter((e) => e.checkVisibility())
        .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length)))
        .map((e) => e.outerHTML.slice(0, 100))""")
    assert not nameless, nameless
    doubled = page.run("""const seen = new Set(), twice = [];
        for (const e of document.querySelectorAll('[id]')) { if (seen.has(e.id)) twice.push(e.id); seen.add(e.id); }
        return twice""")
    assert not doubled, doubled
    assert page.run("return document.documentElement.lang") == "en"
    assert page.run("return document.querySelectorAll('h1').length") == 1
    reached = set()
    page.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    for _ in range(40):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(page.run("const e = document.activeElement; return e.getAttribute('aria-label') || e.id || e.textContent.trim()"))
    for name in ("create-id", "room-lock", "room-mute", "room-close", "Mute Anna", "Deafen Anna", "Remove Anna", "invite-uri"):
        assert name in reached, f"{name} not reached by Tab: {sorted(filter(None, reached))}"
    page.stop()
    hearth.stop()


@lib.case
def hostile_names_stay_text():
    hearth = lib.Hearth()
    evil = 'Eve <img src=x onerror=alert(1)>'
    room_with(hearth, (evil, SILENT))
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_people(evil)
    assert page.run("return document.querySelectorAll('.person img').length") == 0
    page.stop()
    hearth.stop()


# Screenshots --------------------------------------------------------------------------------------------------

def chatter(hz, seed):
    """Something with the ups and downs of speech."""
    dice = numpy.random.default_rng(seed)
    envelope = numpy.repeat(dice.uniform(0.35, 1.0, 40), lib.RATE // 10)
    return (lib.tone(hz, 4.0, 7000.0) * envelope).astype(numpy.int16)


def screenshot():
    hearth = lib.Hearth(recordings__path=tempfile.mkdtemp(prefix="hearth-rec-"), recordings__announce="false")
    for room in ("board", "standup"):
        hearth.api("POST", "/api/v1/rooms", {"id": room})
    hearth.api("PATCH", "/api/v1/rooms/board", {"locked": True})
    Guest(hearth, "Ida", None, "standup")
    room_with(hearth, ("Anna Berg", chatter(300, 1)), ("Bert Olsen", None), ("Chioma Eze", chatter(500, 2) // 6))
    Guest(hearth, "Dmitri", None, "kitchen", loss=0.12)
    people = hearth.participants("kitchen")
    hearth.api("PATCH", f"/api/v1/rooms/kitchen/participants/{people[2]['id']}", {"muted": True})
    made = hearth.api("POST", "/api/v1/rooms/kitchen/recordings", {"format": "ogg"})
    time.sleep(3)
    hearth.api("PATCH", f"/api/v1/recordings/{made.json['id']}", {"stopped": True})
    hearth.api("POST", "/api/v1/rooms/kitchen/recordings", {})
    hearth.api("PATCH", "/api/v1/rooms/kitchen", {"lobby": True})
    Guest(hearth, "Farid Haddad", None, "kitchen")
    ringing = Guest(hearth, "Elena")
    hearth.api("POST", "/api/v1/rooms/kitchen/participants",
               {"uri": f"sip:elena@127.0.0.1:{ringing.port}", "display_name": "Elena Fox"})
    ringing.answer(ringing.wait_request("INVITE"), 180, "Ringing")
    page = Browser(hearth, "#/rooms/kitchen")
    page.wait_text("#link-text", "Live")
    lib.wait_for("all are there", lambda: len(page.texts(".person .name")) == 6)
    time.sleep(12)
    for name, scheme, width, height, scale in (("page", "light", 1200, 1340, 1), ("page-dark", "dark", 1200, 1340, 1),
                                               ("page-phone", "light", 360, 780, 2)):
        page.colors(scheme)
        page.size(width, height, scale)
        time.sleep(1.0)
        page.driver.save_screenshot(str(ROOT / "docs" / f"{name}.png"))
        print(f"docs/{name}.png")
    page.stop()
    hearth.stop()


if sys.argv[1:] == ["--screenshot"]:
    screenshot()
else:
    lib.main()
