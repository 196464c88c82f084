/* The page: what is played into the selected room: choose it, play it, pause and stop it. */
"use strict";

const plays = new Map(); /* id -> play in the selected room */

const playsPath = () => `${roomPath(state.selected)}/plays`;

async function loadPlays() {
	const id = state.selected;
	if (!id || !state.rooms.has(id))
		return;
	const page = await call("GET", `${playsPath()}?limit=500`);
	if (id !== state.selected)
		return;
	plays.clear();
	for (const play of page.plays)
		plays.set(play.id, play);
	drawPlays();
}

/* "chime.wav", "music", "440 Hz": what people call it. */
function soundName(item) {
	const [kind, rest] = [item.split(":")[0], item.slice(item.indexOf(":") + 1)];
	return kind === "tone" ? `${rest.split(":")[0]} Hz` : kind === "music" ? "Music" : rest;
}

function drawPlay(play) {
	const item = $("play").content.firstElementChild.cloneNode(true);
	const name = play.items.map(soundName).join(", ");
	const isPaused = play.state === "paused";
	item.dataset.id = play.id;
	item.dataset.state = play.state;
	setText(item.querySelector(".what"), name);
	setText(item.querySelector(".quiet"), { queued: "waits", paused: "paused", playing: play.loop ? "over and over" : "" }[play.state]);
	setText(item.querySelector(".hold"), isPaused ? "Resume" : "Pause");
	for (const button of item.querySelectorAll("button"))
		button.setAttribute("aria-label", `${button.textContent} ${name}`);
	return item;
}

/* Whoever works by keyboard stays on the button that was pressed. */
function drawPlays() {
	const focused = document.activeElement.closest("#plays li");
	const kept = focused && { id: focused.dataset.id, place: document.activeElement.className };
	$("plays").replaceChildren(...[...plays.values()].map(drawPlay));
	if (!kept)
		return;
	const again = document.querySelector(`#plays li[data-id="${CSS.escape(kept.id)}"] .${kept.place}`);
	(again || $("play-start")).focus();
}

function onPlayEvent(event) {
	if (event.room_id !== state.selected)
		return;
	if (event.type === "play.ended") {
		plays.delete(event.play.id);
		if (event.cause === "failed")
			announce(`${event.play.items.map(soundName).join(", ")} cannot be played.`);
	} else {
		plays.set(event.play.id, event.play);
	}
	drawPlays();
}

/* Files come first, then music and a tone, which are always there; prompts last. */
async function loadSounds() {
	const { sounds } = await call("GET", "sounds?limit=1000");
	const before = $("play-what").value;
	const group = (label, items) => {
		const box = document.createElement("optgroup");
		box.label = label;
		box.append(...items.map((item) => new Option(soundName(item), item)));
		return box;
	};
	const of = (kind) => sounds.map((s) => s.item).filter((item) => item.startsWith(`${kind}:`));
	$("play-what").replaceChildren(...[group("Files", of("file")), group("Always there", ["music", "tone:440:2000"]),
		group("Prompts", of("prompt"))].filter((box) => box.children.length));
	if (before)
		$("play-what").value = before;
}

async function onPlay(event) {
	event.preventDefault();
	const body = { items: [$("play-what").value], loop: $("play-loop").checked, duck: $("play-duck").checked,
		volume_db: Number($("play-volume").value) };
	await attempt("Playing", () => call("POST", playsPath(), body), event.submitter);
}

async function onPlaysClick(event) {
	const button = event.target.closest("button");
	if (!button)
		return;
	const play = plays.get(button.closest("li").dataset.id);
	const path = `${playsPath()}/${encodeURIComponent(play.id)}`;
	if (button.classList.contains("stop"))
		await attempt("Stopping", () => call("DELETE", path), button);
	else
		await attempt("Pausing", () => call("PATCH", path, { paused: play.state !== "paused" }), button);
}

function selectPlays() {
	plays.clear();
	drawPlays();
	loadPlays().catch(() => {});
}

function listenPlays() {
	$("plays-form").addEventListener("submit", onPlay);
	$("plays").addEventListener("click", onPlaysClick);
	$("plays-box").addEventListener("toggle", () => {
		if ($("plays-box").open)
			attempt("Looking for sounds", loadSounds);
	});
}
