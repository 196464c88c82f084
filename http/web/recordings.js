/* The page: recordings of the selected room, or all of them when none is selected. */
"use strict";

const recordings = new Map();     /* id -> recording, with readAt: when we were told of it */
const recordingItems = new Map(); /* id -> li */

const isRunning = (recording) => recording.state === "running" || recording.state === "paused";
const recordingPath = (id) => `recordings/${encodeURIComponent(id)}`;

const hasEnded = (recording) => recording.state === "done" || recording.state === "failed";

/* The event of its end may overtake the answer to what ended it. */
function keepRecording(recording) {
	const known = recordings.get(recording.id);
	if (known && hasEnded(known) && !hasEnded(recording))
		return;
	recordings.set(recording.id, { ...recording, readAt: Date.now() });
}

async function loadRecordings() {
	const all = [];
	let after = null;
	do {
		const query = after ? `?limit=500&after=${encodeURIComponent(after)}` : "?limit=500";
		const page = await call("GET", `recordings${query}`);
		all.push(...page.recordings);
		after = page.next;
	} while (after && all.length < 5000);
	recordings.clear();
	all.forEach(keepRecording);
	drawRecordings();
}

/* Of sound: a pause stands still. */
function lengthOf(recording) {
	return recording.length_ms + (recording.state === "running" ? Date.now() - recording.readAt : 0);
}

function clockText(ms) {
	const s = Math.floor(ms / 1000);
	const two = (n) => String(n).padStart(2, "0");
	const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
	return s < 3600 ? rest : `${Math.floor(s / 3600)}:${rest}`;
}

function runningRecording() {
	return [...recordings.values()].find((r) => r.room_id === state.selected && isRunning(r));
}

function aboutRecording(recording) {
	const parts = [clockText(recording.length_ms), recording.format === "ogg" ? "Ogg" : "WAV"];
	if (!state.selected)
		parts.unshift(recording.room_id);
	if (recording.octets > 0)
		parts.push(recording.octets < 1e6 ? `${Math.ceil(recording.octets / 1e3)} kB` :
			`${(recording.octets / 1e6).toFixed(1)} MB`);
	if (recording.lost_ms > 0)
		parts.push(`${clockText(recording.lost_ms)} missing`);
	if (recording.state === "closing")
		parts.push("is being written");
	else if (recording.state === "failed")
		parts.push(`broke off${recording.error ? `: ${recording.error}` : ""}`);
	return parts.join(" · ");
}

function drawRecording(recording) {
	let item = recordingItems.get(recording.id);
	if (!item) {
		item = $("recording").content.firstElementChild.cloneNode(true);
		item.dataset.id = recording.id;
		recordingItems.set(recording.id, item);
	}
	const when = new Date(recording.started_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
	setText(item.querySelector(".when"), when);
	setText(item.querySelector(".about"), aboutRecording(recording));
	item.querySelector("audio").setAttribute("aria-label", `Recording of ${when}`);
	item.querySelector(".tracks-of").hidden = !(recording.tracks > 0 && hasEnded(recording));
	item.querySelector(".actions").hidden = recording.state === "closing";
	for (const button of item.querySelectorAll("button"))
		button.setAttribute("aria-label", `${button.textContent} the recording of ${when}`);
	return item;
}

function drawRunning() {
	const running = runningRecording();
	const isPaused = Boolean(running) && running.state === "paused";
	drawToggle($("room-record"), Boolean(running), ["i-record", "Record"], ["i-stop", "Stop recording"]);
	drawToggle($("recording-pause"), isPaused, ["i-pause", "Pause"], ["i-record", "Resume"]);
	$("recording-now").hidden = !running;
	$("recording-now").dataset.paused = isPaused ? "yes" : "no";
	setText($("recording-state"), isPaused ? "Recording, paused" : "Recording");
	drawRecordingTime();
}

function drawRecordingTime() {
	const running = runningRecording();
	setText($("recording-time"), running ? clockText(lengthOf(running)) : "");
}

function drawRecordings() {
	const list = $("recordings");
	const shown = [...recordings.values()]
		.filter((r) => !isRunning(r) && (!state.selected || r.room_id === state.selected))
		.sort((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at));
	const ids = new Set(shown.map((r) => r.id));
	for (const [id, item] of recordingItems) {
		if (!ids.has(id)) {
			forgetSound(item.querySelector("audio"));
			item.remove();
			recordingItems.delete(id);
		}
	}
	shown.forEach((recording, index) => {
		const item = drawRecording(recording);
		if (list.children[index] !== item)
			list.insertBefore(item, list.children[index] || null);
	});
	$("recordings-box").hidden = shown.length === 0;
	drawRunning();
}

const RECORDING_SAYS = {
	"recording.started": "Recording has begun.",
	"recording.ended": "Recording has ended.",
};

function onRecordingEvent(event) {
	const { recording } = event;
	const room = state.rooms.get(recording.room_id);
	const before = recordings.get(recording.id);
	if (event.type === "recording.deleted")
		recordings.delete(recording.id);
	else
		keepRecording(recording);
	if (room) {
		room.recording = isRunning(recording);
		drawRoomItem(room);
	}
	drawRecordings();
	if (recording.room_id !== state.selected)
		return;
	if (RECORDING_SAYS[event.type])
		announce(RECORDING_SAYS[event.type]);
	else if (before && before.state !== recording.state && isRunning(recording))
		announce(recording.state === "paused" ? "Recording is paused." : "Recording goes on.");
	if (recording.state === "failed")
		showAlert(`The recording broke off${recording.error ? `: ${recording.error}` : ""}.`);
}

/* What people do ------------------------------------------------------------------------------ */

function changeRecording(what, id, change, button) {
	return attempt(what, async () => {
		keepRecording(await call("PATCH", recordingPath(id), change));
		drawRecordings();
	}, button);
}

function onRecord(event) {
	const running = runningRecording();
	if (running) {
		changeRecording("Stopping the recording", running.id, { stopped: true }, event.currentTarget);
		return;
	}
	const path = `${roomPath(state.selected)}/recordings`;
	attempt("Recording", async () => {
		keepRecording(await call("POST", path, {}));
		drawRecordings();
	}, event.currentTarget);
}

function onRecordingPause(event) {
	const running = runningRecording();
	if (running)
		changeRecording("Pausing", running.id, { paused: running.state === "running" }, event.currentTarget);
}

function forgetSound(audio) {
	if (audio.src.startsWith("blob:"))
		URL.revokeObjectURL(audio.src);
}

/* A player cannot send a token: then the sound is read first. Without one it is played as it comes. */
async function soundOf(of) {
	const path = `${api}${of}/audio`;
	if (!state.token)
		return path;
	const response = await fetch(path, { headers: headers({ Accept: "*/*" }) });
	if (!response.ok)
		throw new Problem(response.status, await response.json().catch(() => ({})));
	return URL.createObjectURL(await response.blob());
}

async function playRecording(item, button) {
	const audio = item.querySelector("audio");
	await attempt("Playing", async () => {
		audio.src = await soundOf(recordingPath(item.dataset.id));
		audio.hidden = false;
		button.hidden = true;
		audio.focus();
		await audio.play().catch(() => {}); /* the controls are there, and tell what is wrong */
	}, button);
}

/* Each participant's own file, with a player. Its sound is fetched when it is played. */
async function trackItem(id, track) {
	const item = document.createElement("li");
	const name = document.createElement("span");
	const audio = document.createElement("audio");
	name.textContent = nameOf(track);
	audio.controls = true;
	audio.preload = "none";
	audio.hidden = false;
	audio.setAttribute("aria-label", `Track of ${nameOf(track)}`);
	audio.src = await soundOf(`${recordingPath(id)}/tracks/${track.number}`);
	item.append(name, audio);
	return item;
}

async function showTracks(item, button) {
	const list = item.querySelector(".tracks");
	const isOpen = button.getAttribute("aria-expanded") === "true";
	if (!isOpen && !list.children.length) {
		await attempt("Reading the tracks", async () => {
			const { tracks } = await call("GET", `${recordingPath(item.dataset.id)}/tracks`);
			list.replaceChildren(...await Promise.all(tracks.map((track) => trackItem(item.dataset.id, track))));
		}, button);
	}
	list.hidden = isOpen;
	button.setAttribute("aria-expanded", String(!isOpen));
}

async function deleteRecording(id, button) {
	const isSure = await ask("Delete this recording?", "Its files are gone for good.", "Delete");
	if (!isSure)
		return;
	await attempt("Deleting the recording", async () => {
		await call("DELETE", recordingPath(id));
		recordings.delete(id);
		drawRecordings();
		announce("The recording is deleted.");
		$("room").focus({ preventScroll: true }); /* the button is gone: not back to the top of the page */
	}, button);
}

function onRecordingsClick(event) {
	const button = event.target.closest("button");
	const item = event.target.closest(".recording");
	if (!button || !item)
		return;
	if (button.classList.contains("play"))
		playRecording(item, button);
	else if (button.classList.contains("tracks-of"))
		showTracks(item, button);
	else
		deleteRecording(item.dataset.id, button);
}

function listenRecordings() {
	$("room-record").addEventListener("click", onRecord);
	$("recording-pause").addEventListener("click", onRecordingPause);
	$("recordings").addEventListener("click", onRecordingsClick);
	setInterval(drawRecordingTime, 500);
}
