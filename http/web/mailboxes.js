/* The page: mailboxes of users and rooms, and what waits in them. */
"use strict";

const mailboxes = new Map(); /* name -> mailbox */
let openMailbox = null;      /* the dialog shows this one */

const mailboxPath = (name) => `mailboxes/${encodeURIComponent(name)}`;
const messagePath = (message) => `${mailboxPath(message.mailbox)}/messages/${encodeURIComponent(message.id)}`;

async function loadMailboxes() {
	const page = await call("GET", "mailboxes?limit=500");
	mailboxes.clear();
	for (const mailbox of page.mailboxes)
		mailboxes.set(mailbox.name, mailbox);
	drawMailboxes();
}

function countsText({ messages }) {
	const all = messages.new + messages.old;
	return `${messages.new} new of ${all}${messages.new_urgent ? `, ${messages.new_urgent} urgent` : ""}`;
}

function drawMailboxes() {
	$("mailboxes").replaceChildren(...[...mailboxes.values()].map((mailbox) => {
		const item = $("mailbox").content.firstElementChild.cloneNode(true);
		item.dataset.name = mailbox.name;
		setText(item.querySelector("button"), mailbox.name);
		setText(item.querySelector(".about"), countsText(mailbox));
		return item;
	}));
	$("mailboxes-box").hidden = mailboxes.size === 0;
}

function drawMessage(message) {
	const item = $("mail").content.firstElementChild.cloneNode(true);
	const who = message.from_name || (message.from ? nameOf({ uri: message.from, display_name: "" }) : "somebody");
	const when = new Date(message.received_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
	setText(item.querySelector(".from"), `${message.read ? "" : "New: "}${message.subject || message.kind} from ${who}${message.urgent ? ", urgent" : ""}`);
	setText(item.querySelector(".about"), message.length_ms ? `${when} · ${clockText(message.length_ms)}` : when);
	setText(item.querySelector(".text"), message.text);
	item.querySelector(".text").hidden = !message.text;
	item.querySelector(".listen").hidden = !message.recording_id;
	setText(item.querySelector(".read"), message.read ? "Mark as new" : "Mark as read");
	for (const button of item.querySelectorAll("button"))
		button.setAttribute("aria-label", `${button.textContent}: ${message.subject || message.kind} from ${who}`);
	item.querySelector(".read").addEventListener("click", (event) => changeMail(message, event.currentTarget));
	item.querySelector(".remove").addEventListener("click", (event) => removeMail(message, event.currentTarget));
	item.querySelector(".listen").addEventListener("click", (event) => listenMail(message, item, event.currentTarget));
	return item;
}

async function loadMessages() {
	const name = openMailbox;
	const page = await call("GET", `${mailboxPath(name)}/messages?limit=500`);
	if (name !== openMailbox)
		return;
	for (const audio of $("mails").querySelectorAll("audio"))
		forgetSound(audio);
	$("mails").replaceChildren(...page.messages.map(drawMessage));
	$("mails-empty").hidden = page.messages.length > 0;
}

/* What goes wrong is told where one looks: behind the dialog nobody sees an alert. */
async function attemptMail(work, button) {
	setText($("mail-wrong"), "");
	button.setAttribute("aria-busy", "true");
	try {
		await work();
	} catch (error) {
		setText($("mail-wrong"), reasonOf(error));
	} finally {
		button.removeAttribute("aria-busy");
	}
}

const changeMail = (message, button) => attemptMail(async () => {
	await call("PATCH", messagePath(message), { read: !message.read });
	await loadMessages();
}, button);

const removeMail = (message, button) => attemptMail(async () => {
	await call("DELETE", messagePath(message));
	await loadMessages();
	$("mail-close").focus();
}, button);

const listenMail = (message, item, button) => attemptMail(async () => {
	const audio = item.querySelector("audio");
	audio.src = await soundOf(recordingPath(message.recording_id));
	audio.setAttribute("aria-label", `Sound of the message of ${item.querySelector(".about").textContent}`);
	audio.hidden = false;
	await audio.play().catch(() => {}); /* the controls are there, and tell what is wrong */
	if (!message.read)
		await call("PATCH", messagePath(message), { read: true });
}, button);

function onMailboxClick(event) {
	const item = event.target.closest("li");
	if (!item || !event.target.closest("button"))
		return;
	openMailbox = item.dataset.name;
	setText($("mail-title"), `Messages for ${openMailbox}`);
	setText($("mail-wrong"), "");
	$("mails").replaceChildren();
	$("mail-dialog").showModal();
	loadMessages().catch((error) => setText($("mail-wrong"), reasonOf(error)));
}

function onMailEvent(event) {
	loadMailboxes().catch(() => {});
	if (event.mail.mailbox === openMailbox && event.type === "mailbox.message_added")
		loadMessages().catch(() => {});
}

function listenMailboxes() {
	$("mailboxes").addEventListener("click", onMailboxClick);
	$("mail-dialog").addEventListener("close", () => {
		openMailbox = null;
		$("mails").replaceChildren();
	});
}
