/* The page: rooms and who is in them, live. Plain script, no library, no inline handler.
 *
 * What the page knows comes from the API alone: lists once, then events (Server-Sent Events, read with
 * fetch so that a token can be sent). After a gap that the server cannot replay everything is read
 * again. Elements are kept per room and per participant and only their contents change, so that focus
 * and screen readers stay where they are. */
"use strict";

const api = "api/v1/";
const SILENT = -127;
const REFRESH_MS = 5000; /* quality of lines, while somebody looks */

const state = {
	server: null,
	rooms: new Map(),        /* id -> room */
	talking: new Map(),      /* room id -> set of participant ids */
	next: null,              /* rooms: the next page */
	selected: null,          /* room id */
	people: new Map(),       /* id -> participant of the selected room */
	levels: new Map(),       /* id -> dBov */
	token: sessionStorage.getItem("hearth.token") || "",
	lastEvent: null,
	startedAt: null,
};

const $ = (id) => document.getElementById(id);

/* The API ------------------------------------------------------------------------------------- */

class Problem extends Error {
	constructor(status, document) {
		super(document.detail || document.title || `The server answered ${status}.`);
		this.status = status;
		this.title = document.title || "";
	}
}

function headers(more) {
	const all = { Accept: "application/json", ...more };
	if (state.token)
		all.Authorization = `Bearer ${state.token}`;
	return all;
}

async function call(method, path, body) {
	const more = body === undefined ? {} : { "Content-Type": "application/json" };
	if (method === "POST")
		more["Idempotency-Key"] = randomKey();
	const response = await fetch(api + path, {
		method,
		headers: headers(more),
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	if (response.status === 401) {
		await askToken();
		return call(method, path, body);
	}
	if (!response.ok)
		throw new Problem(response.status, await response.json().catch(() => ({})));
	return response.status === 204 ? null : response.json();
}

function randomKey() {
	const bytes = crypto.getRandomValues(new Uint8Array(12));
	return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

const roomPath = (id) => `rooms/${encodeURIComponent(id)}`;
const personPath = (id) => `${roomPath(state.selected)}/participants/${encodeURIComponent(id)}`;

/* Runs something that a person asked for; what goes wrong is told in words. The button is busy meanwhile, but
 * keeps the focus, which a disabled one would lose. */
async function attempt(what, work, button) {
	if (button && button.getAttribute("aria-busy") === "true")
		return undefined;
	hideAlert();
	if (button)
		button.setAttribute("aria-busy", "true");
	try {
		return await work();
	} catch (error) {
		showAlert(`${what}: ${reasonOf(error)}`);
		return undefined;
	} finally {
		if (button)
			button.removeAttribute("aria-busy");
	}
}

function reasonOf(error) {
	if (!(error instanceof Problem))
		return "the server does not answer. It will be tried again.";
	const text = error.title && error.message !== error.title ?
		`${error.title} (${error.message})` : error.message;
	return text.replace(/\.?$/, ".");
}

function showAlert(text) {
	$("alert-text").textContent = text;
	$("alert").hidden = false;
}

function hideAlert() {
	$("alert").hidden = true;
}

/* Token and questions ------------------------------------------------------------------------- */

let tokenAsked = null;

function askToken() {
	if (!tokenAsked) {
		tokenAsked = new Promise((resolve) => {
			const dialog = $("token-dialog");
			dialog.addEventListener("close", () => {
				tokenAsked = null;
				state.token = $("token").value.trim();
				sessionStorage.setItem("hearth.token", state.token);
				resolve();
			}, { once: true });
			$("token").value = "";
			$("token-wrong").hidden = !state.token;
			dialog.showModal();
			$("token").focus();
		});
	}
	return tokenAsked;
}

function ask(title, text, yes) {
	return new Promise((resolve) => {
		const dialog = $("ask-dialog");
		$("ask-title").textContent = title;
		$("ask-text").textContent = text;
		$("ask-yes").textContent = yes;
		dialog.returnValue = "no";
		dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
		dialog.showModal();
	});
}

function announce(text) {
	$("announce").textContent = text;
}

/* Rooms --------------------------------------------------------------------------------------- */

const roomItems = new Map(); /* id -> li */

function setIcon(button, icon) {
	button.querySelector("use").setAttribute("href", `#${icon}`);
}

function mark(icon, text) {
	const span = document.createElement("span");
	const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
	const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
	const label = document.createElement("span");
	use.setAttribute("href", `#${icon}`);
	svg.setAttribute("class", "i");
	svg.setAttribute("aria-hidden", "true");
	svg.append(use);
	label.className = "hidden";
	label.textContent = text;
	span.append(svg, label);
	return span;
}

function drawRoomItem(room) {
	let item = roomItems.get(room.id);
	if (!item) {
		item = $("room-item").content.firstElementChild.cloneNode(true);
		item.firstElementChild.href = `#/rooms/${encodeURIComponent(room.id)}`;
		item.querySelector(".room-label").textContent = room.id;
		roomItems.set(room.id, item);
	}
	const link = item.firstElementChild;
	const talking = state.talking.get(room.id);
	const marks = [];
	if (room.locked)
		marks.push(mark("i-lock", "locked"));
	if (room.muted)
		marks.push(mark("i-mic-off", "everybody is muted"));
	if (room.recording)
		marks.push(mark("i-record", "is being recorded"));
	item.querySelector(".marks").replaceChildren(...marks);
	item.querySelector(".count").textContent = room.participants;
	item.querySelector(".count").setAttribute("aria-label",
		room.participants === 1 ? "1 participant" : `${room.participants} participants`);
	link.dataset.lit = room.participants > 0 ? "yes" : "no";
	link.dataset.talking = talking && talking.size > 0 ? "yes" : "no";
	if (room.id === state.selected)
		link.setAttribute("aria-current", "page");
	else
		link.removeAttribute("aria-current");
	return item;
}

const byName = (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function drawRooms() {
	const list = $("rooms");
	const rooms = [...state.rooms.values()].sort(byName);
	for (const [id, item] of roomItems) {
		if (!state.rooms.has(id)) {
			item.remove();
			roomItems.delete(id);
		}
	}
	rooms.forEach((room, index) => {
		const item = drawRoomItem(room);
		if (list.children[index] !== item)
			list.insertBefore(item, list.children[index] || null);
	});
	$("rooms-empty").hidden = rooms.length > 0;
	$("rooms-more").hidden = !state.next;
	$("rooms-count").textContent = rooms.length ? `${rooms.length}${state.next ? "+" : ""} open` : "";
}

async function loadRooms(after) {
	const query = after ? `?limit=200&after=${encodeURIComponent(after)}` : "?limit=200";
	const page = await call("GET", `rooms${query}`);
	if (!after)
		state.rooms.clear();
	for (const room of page.rooms)
		state.rooms.set(room.id, room);
	state.next = page.next;
	drawRooms();
	drawRoom();
}

/* Counts change with every caller: read again, but not more often than this. */
let roomsTimer = 0;

function loadRoomsSoon() {
	if (!roomsTimer) {
		roomsTimer = setTimeout(() => {
			roomsTimer = 0;
			loadRooms().catch(() => {});
		}, 300);
	}
}

/* The selected room --------------------------------------------------------------------------- */

function drawRoom() {
	const room = state.rooms.get(state.selected);
	document.body.dataset.at = state.selected ? "room" : "rooms";
	$("view").hidden = !room;
	$("nobody").hidden = Boolean(room);
	document.title = room ? `${room.id} · Hearth` : "Hearth";
	if (!room) {
		$("nobody").firstElementChild.textContent = state.selected && state.server ?
			`There is no room “${state.selected}” now.` : "Choose a room to see who is in it.";
		return;
	}
	$("room-title").textContent = room.id;
	$("room-uri").textContent = room.uri;
	drawToggle($("room-lock"), room.locked, ["i-unlock", "Lock"], ["i-lock", "Unlock"]);
	drawToggle($("room-mute"), room.muted, ["i-mic", "Mute all"], ["i-mic-off", "Unmute all"]);
	drawToggle($("room-guests"), room.guests_muted, ["i-guests", "Mute guests"], ["i-guests", "Unmute guests"]);
	drawToggle($("room-lobby"), room.lobby, ["i-door", "Start lobby"], ["i-door", "End lobby"]);
	drawNote(room);
	drawBreakout();
	drawMigration(room);
	if (!$("settings-box").open)
		drawSettings();
}

function drawToggle(button, isOn, off, on) {
	const [icon, text] = isOn ? on : off;
	button.dataset.on = isOn ? "yes" : "no";
	setIcon(button, icon);
	setText(button.querySelector("span"), text);
}

function drawNote(room) {
	const notes = [];
	if (room.locked)
		notes.push("The door is locked: callers hear a busy tone, people you call in still join.");
	if (room.muted)
		notes.push("Everybody is muted by the room.");
	else if (room.guests_muted)
		notes.push("Everybody but moderators is muted by the room.");
	if (room.lobby)
		notes.push("Guests who call wait until they are admitted.");
	if (room.wait_for_moderator)
		notes.push("Guests who call wait for the first moderator.");
	if (room.has_pin || room.has_moderator_pin)
		notes.push("Callers are asked for a PIN.");
	if (room.migration && room.migration.state === "moving")
		notes.push("The room is being moved to another server.");
	if (room.participants >= room.max_participants)
		notes.push(`The room is full (${room.max_participants}).`);
	$("room-note").textContent = notes.join(" ");
	$("room-note").hidden = notes.length === 0;
}

const personItems = new Map(); /* id -> li */

/* Without a name: the user part, for the whole address stands below it anyway. */
function nameOf(person) {
	const address = person.uri.replace(/^sips?:|^tel:/, "").replace(/[;?].*$/, "");
	return person.display_name || address.replace(/(.)@.*$/, "$1");
}

function initialsOf(person) {
	const words = nameOf(person).split(/[\s._@-]+/).filter(Boolean);
	const letters = words.slice(0, person.display_name ? 2 : 1).map((word) => [...word][0]);
	return letters.join("").toUpperCase() || "?";
}

const isMutedIn = (person) => person.muted || person.room_muted || person.self_muted;

function mutedText(person) {
	return person.self_muted && !person.muted && !person.room_muted ? "muted by their own keys" : "muted";
}

function stateText(person) {
	const isMuted = isMutedIn(person);
	switch (person.state) {
	case "dialing-out": return "is being called";
	case "alerting": return "is ringing";
	case "dialing-in": return "is calling";
	case "pending": return "waits to be let in";
	case "on-hold": return "on hold";
	case "disconnecting": return "is leaving";
	case "connected":
		if (person.talking && isMuted)
			return "speaks, muted";
		if (person.talking)
			return "speaks";
		return isMuted ? mutedText(person) : since(person.connected_at);
	default: return person.state;
	}
}

function since(time) {
	const minutes = Math.floor((Date.now() - Date.parse(time)) / 60000);
	if (!(minutes > 0))
		return "just came";
	return minutes < 60 ? `here for ${minutes} min` : `here for ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function qualityOf(person) {
	const { mos } = person.quality;
	if (mos === null)
		return ["unknown", "line not measured yet"];
	if (mos >= 3.8)
		return ["good", "line is good"];
	return mos >= 3.1 ? ["fair", "line is fair"] : ["poor", "line is poor"];
}

function qualityTitle(person, text) {
	const { mos, jitter_ms, round_trip_ms } = person.quality;
	if (mos === null)
		return text;
	const trip = round_trip_ms === null ? "" : `, round trip ${round_trip_ms.toFixed(0)} ms`;
	return `${text}: MOS ${mos.toFixed(1)}, jitter ${jitter_ms.toFixed(0)} ms${trip}`;
}

function lineText(person) {
	const { loss, delay_ms, mos } = person.quality;
	const codec = person.codec && person.encrypted ? `${person.codec} · encrypted` : person.codec;
	if (mos === null || !codec)
		return codec || "";
	return `${codec} · ${(loss * 100).toFixed(loss < 0.1 ? 1 : 0)} % lost · ${delay_ms} ms delay`;
}

function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

/* "guest" is worth a word only where there can be moderators. */
function tagsOf(person) {
	const room = state.rooms.get(person.room_id);
	const tags = [];
	if (person.role === "moderator" || (room && room.has_moderator_pin))
		tags.push(person.role);
	if (person.bridge)
		tags.push(person.carries && person.carries.length ? `bridge for ${person.carries.map(nameOf).join(", ")}` : "bridge");
	if (person.hand_raised)
		tags.push("hand raised");
	if (person.coaches)
		tags.push(state.people.has(person.coaches) ? `coaches ${nameOf(state.people.get(person.coaches))}` : "coaches");
	tags.push(...person.flags.map((flag) => FLAG_TEXTS[flag] || flag));
	return tags;
}

function drawTags(element, tags) {
	if (element.dataset.tags === tags.join())
		return;
	element.dataset.tags = tags.join();
	element.replaceChildren(...tags.map((text) => {
		const tag = document.createElement("span");
		tag.className = "tag";
		tag.textContent = text;
		return tag;
	}));
}

function drawPerson(person) {
	let item = personItems.get(person.id);
	if (!item) {
		item = $("person").content.firstElementChild.cloneNode(true);
		item.dataset.id = person.id;
		personItems.set(person.id, item);
	}
	const name = nameOf(person);
	const isHere = person.state === "connected" || person.state === "on-hold";
	const [quality, qualityText] = qualityOf(person);
	item.dataset.here = isHere ? "yes" : "no";
	item.dataset.talking = person.talking && isHere ? "yes" : "no";
	item.dataset.muted = isMutedIn(person) ? "yes" : "no";
	item.dataset.state = person.state;
	setText(item.querySelector(".initials"), initialsOf(person));
	setText(item.querySelector(".name"), name);
	setText(item.querySelector(".state"), stateText(person));
	drawTags(item.querySelector(".tags"), tagsOf(person));
	setText(item.querySelector(".address"), person.uri);
	const dot = item.querySelector(".quality");
	dot.dataset.quality = quality;
	dot.title = qualityTitle(person, qualityText);
	dot.setAttribute("aria-label", qualityText);
	setText(item.querySelector(".line-text"), lineText(person));
	item.querySelector(".line").hidden = !isHere;
	item.querySelector(".actions").setAttribute("aria-label", name);
	drawPersonButtons(item, person, name);
	drawLevel(person.id);
	return item;
}

function drawPersonButtons(item, person, name) {
	const mute = item.querySelector(".mute");
	const deaf = item.querySelector(".deaf");
	const isWaiting = person.state === "pending";
	const hasLess = isWaiting || person.state === "disconnecting";
	item.querySelector(".admit").hidden = !isWaiting;
	item.querySelector(".hand").hidden = !person.hand_raised;
	mute.hidden = hasLess;
	deaf.hidden = hasLess;
	item.querySelector(".more").hidden = hasLess;
	drawToggle(mute, person.muted, ["i-mic", "Mute"], ["i-mic-off", "Unmute"]);
	drawToggle(deaf, person.deaf, ["i-ear", "Deafen"], ["i-ear-off", "Undeafen"]);
	for (const button of item.querySelectorAll("button")) /* what is seen, and whom it is about */
		button.setAttribute("aria-label", `${button.textContent} ${name}`);
}

function drawPeople() {
	const list = $("people");
	const focused = document.activeElement;
	const people = [...state.people.values()]; /* who waits stands first: something is to be done */
	people.sort((a, b) => (b.state === "pending") - (a.state === "pending"));
	for (const [id, item] of personItems) {
		if (!state.people.has(id)) {
			item.remove();
			personItems.delete(id);
		}
	}
	people.forEach((person, index) => {
		const item = drawPerson(person);
		if (list.children[index] !== item)
			list.insertBefore(item, list.children[index] || null);
	});
	if (focused !== document.activeElement && list.contains(focused))
		focused.focus({ preventScroll: true }); /* it was moved */
	$("people-empty").hidden = state.people.size > 0;
	$("room-admit").hidden = people.filter((p) => p.state === "pending").length < 2;
}

/* -60 dBov and below is nothing, -9 dBov is as loud as people get. */
function drawLevel(id) {
	const item = personItems.get(id);
	const level = state.levels.has(id) ? state.levels.get(id) : SILENT;
	if (item)
		item.style.setProperty("--level", Math.min(1, Math.max(0, (level + 60) / 51)).toFixed(3));
}

async function loadPeople() {
	const id = state.selected;
	const people = new Map();
	let after = null;
	if (!id || !state.rooms.has(id))
		return;
	do {
		const query = after ? `?limit=500&after=${encodeURIComponent(after)}` : "?limit=500";
		const page = await call("GET", `${roomPath(id)}/participants${query}`);
		for (const person of page.participants)
			people.set(person.id, person);
		after = page.next;
	} while (after && people.size < 2000);
	if (id !== state.selected || !state.rooms.has(id))
		return;
	state.people = people;
	state.talking.set(id, new Set([...people.values()].filter((p) => p.talking).map((p) => p.id)));
	for (const person of people.values())
		state.levels.set(person.id, person.level_dbov);
	drawPeople();
	drawRoomItem(state.rooms.get(id));
}

/* Events -------------------------------------------------------------------------------------- */

function onRoomEvent(event) {
	if (event.type === "room.closed") {
		state.rooms.delete(event.room_id);
		state.talking.delete(event.room_id);
		if (event.room_id === state.selected) {
			state.people.clear();
			drawPeople();
			announce("The room was closed.");
		}
	} else {
		state.rooms.set(event.room_id, event.room);
	}
	drawRooms();
	drawRoom();
}

function noteTalking(event) {
	const talking = state.talking.get(event.room_id) || new Set();
	if (event.participant.talking && event.type !== "participant.left")
		talking.add(event.participant_id);
	else
		talking.delete(event.participant_id);
	state.talking.set(event.room_id, talking);
}

function onPersonEvent(event) {
	const isLeft = event.type === "participant.left";
	const before = state.people.get(event.participant_id);
	noteTalking(event);
	if (event.room_id === state.selected) {
		if (isLeft) {
			state.people.delete(event.participant_id);
			state.levels.delete(event.participant_id);
			announceLeft(event);
		} else {
			state.people.set(event.participant_id, event.participant);
		}
		announcePerson(event, before);
		drawPeople();
	}
	if (isLeft || event.type === "participant.created")
		loadRoomsSoon();
	else if (state.rooms.has(event.room_id))
		drawRoomItem(state.rooms.get(event.room_id));
}

/* What somebody who does not see the list would want to be told at once. */
function announcePerson(event, before) {
	const person = event.participant;
	if (event.type === "participant.left")
		return;
	if (event.type === "participant.joined" && person.state !== "pending")
		announce(`${nameOf(person)} has joined.`);
	else if (person.state === "pending" && (!before || before.state !== "pending"))
		announce(`${nameOf(person)} waits to be let in.`);
	else if (person.state === "connected" && before && before.state === "pending")
		announce(`${nameOf(person)} was let in.`);
	else if (person.hand_raised && before && !before.hand_raised)
		announce(`${nameOf(person)} raises a hand.`);
}

function announceLeft(event) {
	const name = nameOf(event.participant);
	if (event.status >= 300)
		showAlert(`${name} could not be reached: ${failureText(event)}`);
	else
		announce(`${name} has left.`);
}

function failureText(event) {
	switch (event.status) {
	case 404: return "nobody has that address.";
	case 408: return "there was no answer.";
	case 480: return "not available now.";
	case 486: case 600: return "busy.";
	case 487: return "the call was given up.";
	case 488: return "the phones have no way of speaking in common.";
	case 603: return "the call was declined.";
	default: return `the other side answered ${event.status}.`;
	}
}

function onLevels(data) {
	if (data.room_id !== state.selected)
		return;
	const heard = new Map(data.levels.map((level) => [level.id, level]));
	for (const [id, person] of state.people) {
		const level = heard.get(id);
		state.levels.set(id, level ? level.level_dbov : SILENT);
		drawLevel(id);
		if (level && level.talking !== person.talking) {
			person.talking = level.talking;
			drawPerson(person);
		}
	}
}

async function reload() {
	state.talking.clear();
	state.server = await call("GET", "server");
	drawServer();
	await loadRooms();
	await loadPeople();
	await loadRecordings();
	await loadCalls();
	await loadBans();
	await loadPlays();
	await loadMailboxes();
}

function onMessage(name, id, text) {
	const data = JSON.parse(text);
	if (id)
		state.lastEvent = id;
	onLogEvent(data);
	if (name === "levels")
		onLevels(data);
	else if (name === "stream.reset")
		reload().catch(() => {});
	else if (name.startsWith("room."))
		onRoomEvent(data);
	else if (name.startsWith("participant."))
		onPersonEvent(data);
	else if (name.startsWith("play."))
		onPlayEvent(data);
	else if (name.startsWith("recording."))
		onRecordingEvent(data);
	else if (name.startsWith("call."))
		onCallEvent(data);
	else if (name.startsWith("mailbox."))
		onMailEvent(data);
}

/* A server that was started anew counts its events from 1 again. */
function onOpen(response) {
	const startedAt = response.headers.get("Hearth-Started-At");
	const isOther = state.startedAt !== startedAt;
	state.startedAt = startedAt;
	if (isOther || state.lastEvent === null) {
		state.lastEvent = response.headers.get("Hearth-Event-Seq");
		reload().catch(() => {});
	}
	setLink("live", "Live");
}

function setLink(kind, text) {
	$("link").dataset.state = kind;
	setText($("link-text"), text);
}

/* Splits the stream into events (WHATWG HTML 9.2.6). */
async function readStream(response, onBlock) {
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	for (;;) {
		const { value, done } = await reader.read();
		if (done)
			return;
		const blocks = (rest + value).split("\n\n");
		rest = blocks.pop();
		for (const block of blocks)
			onBlock(block);
	}
}

function onBlock(block) {
	let name = "", id = "", text = "";
	for (const line of block.split("\n")) {
		if (line.startsWith("event: "))
			name = line.slice(7);
		else if (line.startsWith("id: "))
			id = line.slice(4);
		else if (line.startsWith("data: "))
			text += line.slice(6);
	}
	if (text)
		onMessage(name, id, text);
}

let streamAbort = null;

async function openStream() {
	const abort = new AbortController();
	const more = { Accept: "text/event-stream" };
	const query = state.selected ? `?levels=${encodeURIComponent(state.selected)}` : "";
	if (state.lastEvent !== null)
		more["Last-Event-ID"] = state.lastEvent;
	streamAbort = abort;
	const response = await fetch(`${api}events${query}`, { headers: headers(more), signal: abort.signal });
	if (response.status === 401) {
		await askToken();
		return;
	}
	if (!response.ok)
		throw new Problem(response.status, await response.json().catch(() => ({})));
	onOpen(response);
	await readStream(response, onBlock);
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function followEvents() {
	let pause = 500;
	for (;;) {
		const begun = Date.now();
		let isRestart = false;
		try {
			await openStream();
		} catch (error) {
			isRestart = error.name === "AbortError";
		}
		if (isRestart)
			continue;
		if (Date.now() - begun > 5000)
			pause = 500;
		setLink("lost", "Connection lost, trying again");
		await wait(pause);
		pause = Math.min(pause * 2, 15000);
	}
}

/* Levels are sent for one room: another room, another stream. */
function restartStream() {
	if (streamAbort)
		streamAbort.abort();
}

/* Dialling in --------------------------------------------------------------------------------- */

function drawServer() {
	const { sip_host, factory_uris, version, autocreate, draining, dial_out } = state.server;
	const entries = [];
	if (autocreate)
		entries.push(["Any name makes a room", `sip:name@${sip_host}`]);
	factory_uris.forEach((uri, index) => entries.push([index ? "or" : "A fresh conference", uri]));
	if (!entries.length)
		entries.push(["A room's address", `sip:room@${sip_host}`]);
	$("dial").replaceChildren(...entries.flatMap(([term, uri]) => {
		const dt = document.createElement("dt");
		const dd = document.createElement("dd");
		const code = document.createElement("code");
		dt.textContent = term;
		code.textContent = uri;
		dd.append(code);
		return [dt, dd];
	}));
	$("invite").hidden = !dial_out;
	$("foot").textContent = `Hearth ${version}${draining ? " · shutting down: nobody new is let in" : ""}`;
}

/* What people do ------------------------------------------------------------------------------ */

function select() {
	const match = /^#\/rooms\/(.+)$/.exec(location.hash);
	const id = match ? decodeURIComponent(match[1]) : null;
	if (id === state.selected)
		return;
	state.selected = id;
	state.people = new Map();
	state.levels = new Map();
	drawRooms();
	drawRoom();
	drawPeople();
	drawRecordings();
	selectRoom();
	selectPlays();
	restartStream();
	loadPeople().catch(() => {});
	if (id)
		$("room").focus({ preventScroll: true });
}

function changeRoom(what, change, button) {
	const id = state.selected;
	return attempt(what, async () => {
		state.rooms.set(id, await call("PATCH", roomPath(id), change));
		drawRooms();
		drawRoom();
	}, button);
}

function changePerson(id, what, change, button) {
	return attempt(what, async () => {
		const person = await call("PATCH", personPath(id), change);
		if (state.people.has(id)) {
			state.people.set(id, person);
			drawPeople();
		}
	}, button);
}

function onPeopleClick(event) {
	const button = event.target.closest("button");
	const item = event.target.closest(".person");
	if (!button || !item)
		return;
	const person = state.people.get(item.dataset.id);
	const name = nameOf(person);
	if (button.classList.contains("admit"))
		changePerson(person.id, `Admitting ${name}`, { admitted: true }, button)
			.then(() => item.querySelector(".mute").focus({ preventScroll: true }));
	else if (button.classList.contains("hand"))
		changePerson(person.id, `Lowering the hand of ${name}`, { hand_raised: false }, button);
	else if (button.classList.contains("more"))
		openMore(person);
	else if (button.classList.contains("mute"))
		changePerson(person.id, `Muting ${name}`, { muted: !person.muted }, button);
	else if (button.classList.contains("deaf"))
		changePerson(person.id, `Deafening ${name}`, { deaf: !person.deaf }, button);
	else
		attempt(`Removing ${name}`, () => call("DELETE", personPath(person.id)), button);
}

async function onClose() {
	const room = state.rooms.get(state.selected);
	const isSure = await ask(`Close ${room.id}?`,
		room.participants ? "Everybody in it is rung off." : "Nobody is in it.", "Close the room");
	if (!isSure)
		return;
	await attempt(`Closing ${room.id}`, () => call("DELETE", roomPath(room.id)), $("room-close"));
	if (!state.rooms.has(room.id))
		location.hash = "#/";
}

/* Only what was filled in: the rest has the server's defaults. */
function newRoom() {
	const entries = [["id", $("create-id")], ["pin", $("create-pin")], ["moderator_pin", $("create-moderator-pin")]];
	const make = Object.fromEntries(entries.map(([key, input]) => [key, input.value.trim()]).filter(([, text]) => text));
	if ($("create-lobby").checked)
		make.lobby = true;
	return make;
}

async function onCreate(event) {
	event.preventDefault();
	const room = await attempt("Making the room", () => call("POST", "rooms", newRoom()), event.submitter);
	if (!room)
		return;
	$("create").reset();
	$("create-more").open = false;
	state.rooms.set(room.id, room);
	location.hash = `#/rooms/${encodeURIComponent(room.id)}`;
}

/* People write "anna@example.org" or a number; the API wants a URI. */
function uriOf(text) {
	const isUri = /^[a-z][a-z0-9+.-]*:/i.test(text) && !/^[^:@]+:[0-9]+$/.test(text); /* not host:port */
	if (isUri)
		return text;
	if (text.includes("@"))
		return `sip:${text}`;
	return /^[+0-9][0-9() .-]*$/.test(text) ? `tel:${text.replace(/[() ]/g, "")}` : `sip:${text}`;
}

async function onInvite(event) {
	event.preventDefault();
	const uri = uriOf($("invite-uri").value.trim());
	const name = $("invite-name").value.trim();
	const askFor = $("invite-ask").value;
	const path = `${roomPath(state.selected)}/participants`;
	const person = await attempt(`Calling ${uri}`,
		() => call("POST", path, { uri, ...(name && { display_name: name }), ...(askFor && { ask: askFor }) }), event.submitter);
	if (!person)
		return;
	$("invite-uri").value = "";
	$("invite-name").value = "";
	announce(`Calling ${nameOf(person)}.`);
}

async function onCopy() {
	const uri = $("room-uri").textContent;
	try {
		await navigator.clipboard.writeText(uri);
		announce("Address copied.");
	} catch {
		getSelection().selectAllChildren($("room-uri"));
		announce("Address selected.");
	}
}

function listen() {
	window.addEventListener("hashchange", select);
	$("people").addEventListener("click", onPeopleClick);
	$("create").addEventListener("submit", onCreate);
	$("invite").addEventListener("submit", onInvite);
	$("room-copy").addEventListener("click", onCopy);
	$("room-close").addEventListener("click", onClose);
	$("alert-close").addEventListener("click", hideAlert);
	$("token-dialog").addEventListener("cancel", (event) => event.preventDefault());
	$("room-lock").addEventListener("click", (event) => {
		const room = state.rooms.get(state.selected);
		changeRoom("Locking", { locked: !room.locked }, event.currentTarget);
	});
	$("room-mute").addEventListener("click", (event) => {
		const room = state.rooms.get(state.selected);
		changeRoom("Muting", { muted: !room.muted }, event.currentTarget);
	});
	$("room-guests").addEventListener("click", (event) => {
		const room = state.rooms.get(state.selected);
		changeRoom("Muting guests", { guests_muted: !room.guests_muted }, event.currentTarget);
	});
	$("room-lobby").addEventListener("click", (event) => {
		const room = state.rooms.get(state.selected);
		changeRoom("Changing the lobby", { lobby: !room.lobby }, event.currentTarget);
	});
	listenRecordings();
	listenCalls();
	listenRoom();
	listenPlays();
	listenPeople();
	listenMailboxes();
	$("rooms-more").addEventListener("click", (event) => {
		attempt("Reading rooms", () => loadRooms(state.next), event.currentTarget);
	});
	setInterval(() => {
		if (!document.hidden && state.selected)
			loadPeople().catch(() => {});
	}, REFRESH_MS);
}

document.body.dataset.at = "rooms";
listen();
select();
followEvents();
