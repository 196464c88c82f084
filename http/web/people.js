/* The page: what can be done to a participant beyond muting, and breakout rooms. */
"use strict";

const FLAG_TEXTS = { echo: "echo", one_way: "one way only", clipping: "too loud", low_level: "too soft" };
const SOUNDS = ["denoise", "auto_level", "inband_dtmf"];
const GROUPS = ["speaks", "hears", "hears_not"];

/* More for a participant ------------------------------------------------------------------------ */

/* The dialog is about this one. */
let morePerson = null;

function modeOf(person) {
	if (person.coaches)
		return "coach";
	return person.muted ? "listen" : "talk";
}

const othersThan = (person) => [...state.people.values()].filter((p) => p.id !== person.id && p.state !== "pending");

function openMore(person) {
	morePerson = person.id;
	setText($("more-title"), nameOf(person));
	setText($("more-about"), person.referred_by ? `${person.uri}, sent by ${person.referred_by}` : person.uri);
	$("more-role").value = person.role;
	$("more-language").value = person.language || "";
	$("more-gain").value = person.gain_db;
	$("more-volume").value = person.volume_db;
	$("more-mode").value = modeOf(person);
	$("more-coaches").replaceChildren(...othersThan(person).map((p) => new Option(nameOf(p), p.id)));
	$("more-coaches").value = person.coaches || "";
	for (const name of SOUNDS)
		$(`more-${name}`).checked = person[name];
	for (const name of GROUPS)
		$(`more-${name}`).value = person[name].join(" ");
	$("more-digits").value = "";
	setText($("more-digits-sent"), "");
	drawMoveTargets();
	drawCoached();
	$("more-dialog").showModal();
}

function drawCoached() {
	$("more-coaches-line").hidden = $("more-mode").value !== "coach";
}

/* Rooms that somebody can be taken to. */
function drawMoveTargets() {
	const options = [...state.rooms.keys()].filter((id) => id !== state.selected).sort().map((id) => new Option(id, id));
	$("more-move").replaceChildren(new Option("stays here", ""), ...options);
}

/* What was changed, and nothing else. */
function changeOfMore(person) {
	const change = {};
	const groups = Object.fromEntries(GROUPS.map((name) => [name, $(`more-${name}`).value.trim().split(/[\s,]+/).filter(Boolean)]));
	if ($("more-role").value !== person.role)
		change.role = $("more-role").value;
	if ($("more-language").value.trim() !== (person.language || ""))
		change.language = $("more-language").value.trim() || null;
	if (Number($("more-gain").value) !== person.gain_db)
		change.gain_db = Number($("more-gain").value);
	if (Number($("more-volume").value) !== person.volume_db)
		change.volume_db = Number($("more-volume").value);
	for (const name of SOUNDS) {
		if ($(`more-${name}`).checked !== person[name])
			change[name] = $(`more-${name}`).checked;
	}
	for (const name of GROUPS) {
		if (groups[name].join(" ") !== person[name].join(" "))
			change[name] = groups[name];
	}
	if ($("more-mode").value !== modeOf(person) || ($("more-mode").value === "coach" && $("more-coaches").value !== person.coaches)) {
		change.mode = $("more-mode").value;
		if (change.mode === "coach")
			change.coaches = $("more-coaches").value;
	}
	return change;
}

async function applyMore(person) {
	const change = changeOfMore(person);
	if (Object.keys(change).length)
		await changePerson(person.id, `Changing ${nameOf(person)}`, change);
	if ($("more-move").value) {
		await attempt(`Moving ${nameOf(person)}`, () => movePerson(state.selected, person.id, $("more-move").value));
		loadRoomsSoon();
	}
}

async function onMoreClosed() {
	const person = state.people.get(morePerson);
	const word = $("more-dialog").returnValue;
	morePerson = null;
	if (!person || word === "no")
		return;
	if (word === "ban") {
		await attempt(`Removing ${nameOf(person)}`, () => call("DELETE", `${personPath(person.id)}?ban=true`));
		await loadBans().catch(() => {});
	} else {
		await applyMore(person);
	}
}

/* The dialog stays open: a menu at the other end is often several digits deep. */
async function onDigits(event) {
	const digits = $("more-digits").value.trim();
	const id = morePerson;
	if (!digits || !state.people.has(id))
		return;
	try {
		await call("POST", `${personPath(id)}/dtmf`, { digits });
		setText($("more-digits-sent"), `Sent ${digits}.`);
		$("more-digits").value = "";
	} catch (error) {
		setText($("more-digits-sent"), `Not sent: ${reasonOf(error)}`);
	}
	event.target.focus();
}

/* Breakout rooms -------------------------------------------------------------------------------- */

const movePerson = (from, id, room) => call("POST", `${roomPath(from)}/participants/${encodeURIComponent(id)}/move`, { room });

/* "lobby-1", "lobby-2" of "lobby". */
function breakoutsOf(id) {
	return [...state.rooms.keys()].filter((name) => name.startsWith(`${id}-`) && /^[0-9]+$/.test(name.slice(id.length + 1)));
}

function drawBreakout() {
	const rooms = state.selected ? breakoutsOf(state.selected) : [];
	$("breakout-back").hidden = rooms.length === 0;
	setText($("breakout-now"), rooms.length ? `Open now: ${rooms.sort().join(", ")}.` : "Guests are spread over them by turns; moderators stay.");
}

async function split(id, count) {
	const guests = [...state.people.values()].filter((p) => p.state === "connected" && p.role === "guest" && !p.bridge);
	for (let i = 1; i <= count; i++) {
		if (!state.rooms.has(`${id}-${i}`))
			await call("POST", "rooms", { id: `${id}-${i}` });
	}
	for (const [index, person] of guests.entries())
		await movePerson(id, person.id, `${id}-${1 + index % count}`);
}

async function bringBack(id) {
	for (const room of breakoutsOf(id)) {
		const { participants } = await call("GET", `${roomPath(room)}/participants?limit=500`);
		for (const person of participants)
			await movePerson(room, person.id, id);
		await call("DELETE", roomPath(room));
	}
}

async function onBreakout(event) {
	event.preventDefault();
	await attempt("Opening breakout rooms", () => split(state.selected, Number($("breakout-count").value)), event.submitter);
	loadRoomsSoon();
}

async function onBringBack(event) {
	await attempt("Bringing all back", () => bringBack(state.selected), event.currentTarget);
	loadRoomsSoon();
	loadPeople().catch(() => {});
}

function listenPeople() {
	$("more-dialog").addEventListener("close", onMoreClosed);
	$("more-mode").addEventListener("change", drawCoached);
	$("more-digits-send").addEventListener("click", onDigits);
	$("more-digits").addEventListener("keydown", (event) => {
		if (event.key !== "Enter")
			return;
		event.preventDefault(); /* it would close the dialog */
		onDigits(event);
	});
	$("breakout").addEventListener("submit", onBreakout);
	$("breakout-back").addEventListener("click", onBringBack);
}
