/* The page: two-party calls that the API connected, and what can be done with them. */
"use strict";

const calls = new Map();     /* id -> call */
const callItems = new Map(); /* id -> li */

const CALL_STATES = {
	dialling_from: "the first is being called",
	dialling_to: "the second is being called",
	ringing: "rings",
	ending: "is ending",
};

async function loadCalls() {
	const page = await call("GET", "calls?limit=500");
	calls.clear();
	for (const each of page.calls)
		calls.set(each.id, each);
	drawCalls();
}

const partyOf = (uri) => nameOf({ uri, display_name: "" });

function drawCall(each) {
	let item = callItems.get(each.id);
	if (!item) {
		item = $("call").content.firstElementChild.cloneNode(true);
		item.dataset.id = each.id;
		callItems.set(each.id, item);
	}
	const parties = `${partyOf(each.from)} and ${partyOf(each.to)}`;
	setText(item.querySelector(".parties"), parties);
	item.querySelector(".to-room").hidden = each.state !== "connected";
	item.querySelector(".end").hidden = each.state === "ending";
	item.querySelector(".to-room").setAttribute("aria-label", `Make a conference of ${parties}`);
	item.querySelector(".end").setAttribute("aria-label", `End the call of ${parties}`);
	drawCallTime(each);
	return item;
}

function drawCallTime(each) {
	const text = each.state === "connected" && each.connected_at ?
		clockText(Math.max(0, Date.now() - Date.parse(each.connected_at))) : CALL_STATES[each.state] || each.state;
	setText(callItems.get(each.id).querySelector(".about"), text);
}

function drawCalls() {
	for (const [id, item] of callItems) {
		if (!calls.has(id)) {
			item.remove();
			callItems.delete(id);
		}
	}
	for (const each of calls.values()) {
		const item = drawCall(each);
		if (!item.isConnected)
			$("calls").append(item);
	}
	$("calls-box").hidden = calls.size === 0;
}

function onCallEvent(event) {
	if (event.type === "call.ended")
		calls.delete(event.call.id);
	else
		calls.set(event.call.id, event.call);
	drawCalls();
}

async function callToRoom(id, button) {
	const path = `calls/${encodeURIComponent(id)}/room`;
	const room = await attempt("Making a conference", () => call("POST", path), button);
	if (!room)
		return;
	state.rooms.set(room.id, room);
	location.hash = `#/rooms/${encodeURIComponent(room.id)}`;
}

function onCallsClick(event) {
	const button = event.target.closest("button");
	const item = event.target.closest(".call");
	if (!button || !item)
		return;
	const { id } = item.dataset;
	if (button.classList.contains("to-room"))
		callToRoom(id, button);
	else
		attempt("Ending the call", () => call("DELETE", `calls/${encodeURIComponent(id)}`), button);
}

function listenCalls() {
	$("calls").addEventListener("click", onCallsClick);
	setInterval(() => calls.forEach(drawCallTime), 1000);
}
