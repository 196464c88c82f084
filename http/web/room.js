/* The page: the selected room's settings, what goes on in it (texts, digits, comings and goings), and who is
 * kept out. */
"use strict";

const LOG_LINES_MAX = 200;
const bans = new Map(); /* id -> ban of the selected room */

/* What goes on ---------------------------------------------------------------------------------- */

function addLine(kind, who, text, time) {
	const list = $("log");
	const item = $("log-line").content.firstElementChild.cloneNode(true);
	const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
	item.dataset.kind = kind;
	setText(item.querySelector("time"), new Date(time).toLocaleTimeString(undefined, { timeStyle: "short" }));
	item.querySelector("time").dateTime = time;
	setText(item.querySelector(".speaker"), who);
	setText(item.querySelector(".said"), text);
	list.append(item);
	if (list.children.length > LOG_LINES_MAX)
		list.firstElementChild.remove();
	if (isAtEnd)
		list.scrollTop = list.scrollHeight;
}

/* Digits that follow each other at once stand in one line. */
function addDigit(event) {
	const last = $("log").lastElementChild;
	const who = nameOf(event.participant);
	if (last && last.dataset.kind === "digit" && last.querySelector(".speaker").textContent === who)
		setText(last.querySelector(".said"), `${last.querySelector(".said").textContent}${event.digit}`);
	else
		addLine("digit", who, `pressed ${event.digit}`, event.time);
}

const COMINGS = { "participant.joined": "has joined", "participant.left": "has left" };
const RECORDS = { "recording.started": "Recording has begun", "recording.ended": "Recording has ended" };

/* What a person reads of a message: of message/cpim (RFC 3862, 2.1) what follows its two heads. */
function saidIn(event) {
	const cpim = event.content_type === "message/cpim" &&
		event.text.match(/^(?:.+\r?\n)+\r?\n(?:.+\r?\n)*\r?\n([^]*)$/);
	return (cpim ? cpim[1] : event.text).trim();
}

function onLogEvent(event) {
	if (event.room_id !== state.selected)
		return;
	if (event.type === "message")
		addLine("text", event.participant ? nameOf(event.participant) : event.from || "The server", saidIn(event), event.time);
	else if (event.type === "dtmf")
		addDigit(event);
	else if (COMINGS[event.type] && !(event.status >= 300))
		addLine("coming", nameOf(event.participant), COMINGS[event.type], event.time);
	else if (RECORDS[event.type])
		addLine("coming", RECORDS[event.type], "", event.time);
}

async function onSay(event) {
	event.preventDefault();
	const text = $("say-text").value.trim();
	const from = $("say-from").value.trim();
	if (!text)
		return;
	sessionStorage.setItem("hearth.name", from);
	const body = from ? { text, from } : { text };
	const sent = await attempt("Sending the text", () => call("POST", `${roomPath(state.selected)}/messages`, body), event.submitter);
	if (sent && $("say-text").value.trim() === text)
		$("say-text").value = "";
}

/* Settings -------------------------------------------------------------------------------------- */

const SWITCHES = ["tones", "music", "names", "wait_for_moderator", "end_with_moderator", "denoise", "auto_level", "inband_dtmf", "pass_dtmf"];

/* "2026-11-28T09:30" as people's clocks have it, of a time of the API; and back. */
function localOf(time) {
	const at = time ? new Date(time) : null;
	return at ? new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16) : "";
}

const timeOf = (local) => (local ? new Date(local).toISOString() : null);

function drawSettings() {
	const room = state.rooms.get(state.selected);
	if (!room)
		return;
	for (const name of SWITCHES)
		$(`set-${name}`).checked = room[name];
	$("set-record").value = room.record;
	$("set-max").value = room.max_participants;
	$("set-loudest").value = room.loudest || "";
	$("set-language").value = room.language || "";
	$("set-owner").value = room.owner || "";
	$("set-codecs").value = room.codecs.join(", ");
	$("set-noise_gate_dbov").value = room.noise_gate_dbov;
	$("set-minutes").value = room.max_duration_s ? Math.round(room.max_duration_s / 60) : "";
	$("set-opens").value = localOf(room.opens_at);
	$("set-closes").value = localOf(room.closes_at);
	for (const name of ["pin", "moderator_pin"]) {
		$(`set-${name}`).value = "";
		$(`set-${name}`).placeholder = room[`has_${name}`] ? "one is set" : "none";
		$(`set-no-${name}`).checked = false;
		$(`set-no-${name}`).parentElement.hidden = !room[`has_${name}`];
	}
}

/* Whom it calls is told of one room, not in lists and events. */
let invitees = null;

async function loadInvitees() {
	const id = state.selected;
	invitees = null;
	$("set-invitees").value = "";
	$("set-invitees").disabled = true;
	const room = await call("GET", roomPath(id));
	if (id !== state.selected)
		return;
	invitees = (room.invitees || []).join("\n");
	$("set-invitees").value = invitees;
	$("set-invitees").disabled = false;
}

const wordsOf = (text) => text.split(/[\s,]+/).filter(Boolean);
const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/* What was changed, and nothing else: two people may have the form open. */
function changedSettings(room) {
	const minutes = $("set-minutes").value ? Number($("set-minutes").value) * 60 : null;
	const change = {};
	for (const name of SWITCHES)
		change[name] = $(`set-${name}`).checked;
	change.record = $("set-record").value;
	change.max_participants = Number($("set-max").value) || null;
	for (const name of Object.keys(change)) {
		if (change[name] === room[name])
			delete change[name];
	}
	if (Number($("set-loudest").value) !== room.loudest)
		change.loudest = Number($("set-loudest").value);
	if ($("set-language").value.trim() !== (room.language || ""))
		change.language = $("set-language").value.trim() || null;
	if ($("set-owner").value.trim() !== (room.owner || ""))
		change.owner = $("set-owner").value.trim() || null;
	if (wordsOf($("set-codecs").value).join() !== room.codecs.join())
		change.codecs = wordsOf($("set-codecs").value);
	if ($("set-noise_gate_dbov").value !== String(room.noise_gate_dbov))
		change.noise_gate_dbov = $("set-noise_gate_dbov").value ? Number($("set-noise_gate_dbov").value) : null;
	if (invitees !== null && linesOf($("set-invitees").value).join("\n") !== invitees)
		change.invitees = linesOf($("set-invitees").value).map(uriOf);
	if (minutes !== (room.max_duration_s || null))
		change.max_duration_s = minutes;
	if ($("set-opens").value !== localOf(room.opens_at))
		change.opens_at = timeOf($("set-opens").value);
	if ($("set-closes").value !== localOf(room.closes_at))
		change.closes_at = timeOf($("set-closes").value);
	for (const name of ["pin", "moderator_pin"]) {
		if ($(`set-${name}`).value)
			change[name] = $(`set-${name}`).value;
		else if ($(`set-no-${name}`).checked)
			change[name] = null;
	}
	return change;
}

async function onSettings(event) {
	event.preventDefault();
	const room = state.rooms.get(state.selected);
	const change = changedSettings(room);
	if (Object.keys(change).length)
		await changeRoom("Saving the settings", change, event.submitter);
	if ($("alert").hidden) {
		$("settings-box").open = false;
		announce("Settings saved.");
	}
}

function onSettingsToggle() {
	drawSettings();
	if ($("settings-box").open)
		loadInvitees().catch(() => {});
}

/* Moving elsewhere ------------------------------------------------------------------------------ */

const MOVES = {
	dialling: "The other server is called.",
	moving: "People are asked to go.",
	done: "It has moved.",
	failed: "It could not be moved: everybody is where they were.",
};

function drawMigration(room) {
	const move = room.migration;
	const isUnderWay = Boolean(move) && (move.state === "dialling" || move.state === "moving");
	const counts = move ? [[move.moved, "gone"], [move.pending, "asked"], [move.carried, "heard over the line between the two"]]
		.filter(([count]) => count).map(([count, what]) => `${count} ${what}`).join(", ") : "";
	$("migrate").querySelector("button").disabled = isUnderWay;
	if (move)
		setText($("migrate-now"), `${MOVES[move.state] || move.state} ${counts ? `${counts}. ` : ""}${move.uri || move.to || ""}`);
	else
		setText($("migrate-now"), "Everybody is asked to go there; whose phone cannot is heard over a line between the two.");
}

async function onMigrate(event) {
	event.preventDefault();
	const to = uriOf($("migrate-to").value.trim());
	const id = state.selected;
	const room = await attempt("Moving the room", () => call("POST", `${roomPath(id)}/migrate`, { to }), event.submitter);
	if (room)
		announce("The other server is called.");
}

/* Who is kept out ------------------------------------------------------------------------------- */

async function loadBans() {
	const id = state.selected;
	if (!id || !state.rooms.has(id))
		return;
	const page = await call("GET", `${roomPath(id)}/bans?limit=500`);
	if (id !== state.selected)
		return;
	bans.clear();
	for (const ban of page.bans)
		bans.set(ban.id, ban);
	drawBans();
}

function drawBans() {
	$("bans").replaceChildren(...[...bans.values()].map((ban) => {
		const item = $("ban").content.firstElementChild.cloneNode(true);
		const button = item.querySelector("button");
		item.dataset.id = ban.id;
		setText(item.querySelector("code"), ban.uri);
		button.setAttribute("aria-label", `${button.textContent} ${ban.uri}`);
		return item;
	}));
	$("bans-box").hidden = bans.size === 0;
}

async function onBanClick(event) {
	const button = event.target.closest("button");
	if (!button)
		return;
	const id = button.closest("li").dataset.id;
	await attempt("Lifting the ban", () => call("DELETE", `${roomPath(state.selected)}/bans/${encodeURIComponent(id)}`), button);
	await loadBans();
}

/* All of it ------------------------------------------------------------------------------------- */

function selectRoom() {
	$("log").replaceChildren();
	$("settings-box").open = false;
	$("migrate-box").open = false;
	$("migrate-to").value = "";
	bans.clear();
	drawBans();
	loadBans().catch(() => {});
}

function listenRoom() {
	$("say-from").value = sessionStorage.getItem("hearth.name") || "";
	$("say").addEventListener("submit", onSay);
	$("settings").addEventListener("submit", onSettings);
	$("settings-box").addEventListener("toggle", onSettingsToggle);
	$("migrate").addEventListener("submit", onMigrate);
	$("bans").addEventListener("click", onBanClick);
	$("room-admit").addEventListener("click", (event) => {
		attempt("Admitting all", () => call("POST", `${roomPath(state.selected)}/actions`, { action: "admit_all" }), event.currentTarget);
	});
}
