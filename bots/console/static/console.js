"use strict";
// What is live on a page (#live) is fetched anew when the server says that it has changed. Only that is replaced: what
// was typed, the focus and the place one reads at stay. Without a stream the page asks by itself now and then.
const ASKS = 4000, ASKS_WITH_STREAM = 60000, TRIES_AGAIN = 30000, READ = 2000; // milliseconds
const [, CASE] = /^\/console\/cases\/(\d+)/.exec(location.pathname) ?? [];
let stream = null, isMain = false, streamFrom = 0, askedAt = Date.now(), asking = false, askAgain = false;

const live = () => document.getElementById("live");
const tell = (kind, told) => document.dispatchEvent(new CustomEvent("news", { detail: { kind, told } }));

function ago(since) {
  const minutes = Math.floor((Date.now() - Date.parse(since)) / 60000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}

function tellTime() {
  for (const time of document.querySelectorAll("time[data-ago]")) time.textContent = ago(time.dateTime);
}

// ── what is kept when #live is replaced ──
const FIELDS = "input:not([type=hidden]), textarea, select";
const form = (field) => field.form?.getAttribute("action") ?? "";
const nameOf = (one) => one.id || [one.tagName, form(one), one.name, one.type === "radio" ? one.value : "", one.getAttribute("href"), one.textContent.slice(0, 80)].join(" ");
const isBox = (field) => field.type === "checkbox" || field.type === "radio";

function isTouched(field) {
  if (isBox(field)) return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
}

function kept(old) {
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  const lines = old.querySelector(".timeline ol");
  return {
    focus: focus && { name: nameOf(focus), from: focus.selectionStart ?? null, to: focus.selectionEnd ?? null },
    fields: new Map([...old.querySelectorAll(FIELDS)].filter(isTouched).map((field) => [nameOf(field), field])),
    open: new Map([...old.querySelectorAll("details")].map((one) => [one.firstElementChild?.textContent, one.open])),
    scrolled: lines && lines.scrollHeight - lines.scrollTop - lines.clientHeight > 40 ? lines.scrollTop : null,
  };
}

function giveBack(fresh, { focus, fields, open, scrolled }) {
  for (const field of fresh.querySelectorAll(FIELDS)) {
    const was = fields.get(nameOf(field));
    if (!was || field.type === "file") continue;
    if (isBox(field)) field.checked = was.checked; else field.value = was.value;
  }
  for (const one of fresh.querySelectorAll("details")) one.open = open.get(one.firstElementChild?.textContent) ?? one.open;
  scrollDown(scrolled);
  if (!focus) return;
  const again = [...fresh.querySelectorAll("a, button, summary, [tabindex], " + FIELDS)].find((one) => nameOf(one) === focus.name);
  again?.focus({ preventScroll: true });
  if (focus.from !== null && again?.setSelectionRange) again.setSelectionRange(focus.from, focus.to);
}

function scrollDown(to = null) {
  const lines = document.querySelector(".timeline ol");
  if (lines) lines.scrollTop = to ?? lines.scrollHeight;
}

// ── what a customer has just written, beside the reply ──
const moment = (line) => line.querySelector("time")?.dateTime ?? "";

function newest(page) {
  const lines = [...(page?.querySelectorAll(".timeline li.customer") ?? [])];
  return lines.reduce((last, line) => (last && moment(last) > moment(line) ? last : line), null);
}

function noticePlace() {
  const reply = document.getElementById("reply");
  if (!reply?.form) return null;
  const place = document.createElement("p");
  place.id = "just-written";
  place.setAttribute("role", "status");
  reply.form.prepend(place);
  return place;
}

function showWritten(before, page) {
  const place = document.getElementById("just-written"), line = newest(page.getElementById("live"));
  if (!place || !line || (before && moment(line) <= moment(before))) return;
  const said = [...line.querySelectorAll(".said, .file")].map((one) => one.textContent).join(" ");
  place.textContent = `The customer has just written: ${said}`;
  const seen = page.querySelector("form input[name=seen]")?.value, mine = document.querySelector("form input[name=seen]");
  const since = Date.now();
  // Whoever goes on writing below a notice that stood there for a while has read it.
  if (mine && seen) document.getElementById("reply").addEventListener("input", () => { if (Date.now() - since > READ) mine.value = seen; });
}

// ── signed out, and in again ──
function signedOut(is) {
  const note = document.getElementById("signed-out");
  if (!note || note.hidden === !is) return;
  note.hidden = !is;
  for (const shown of [live(), document.querySelector("h1")]) if (shown) shown.hidden = is;
  if (is) document.title = "Signed out · Console";
  tell("signed", { out: is });
}

// ── asking ──
function address() {
  const isCase = CASE && document.querySelector(".timeline"); // a refused deed stands at an address of its own
  return isCase ? `/console/cases/${CASE}` : location.pathname + location.search;
}

async function look() {
  if (asking) { askAgain = true; return; }
  asking = true;
  askedAt = Date.now();
  try { await ask(live()); } catch { /* the network is away: the next time */ }
  asking = false;
  if (askAgain) { askAgain = false; setTimeout(look, 500); }
}

async function ask(old) {
  if (!old) return;
  const answer = await fetch(address(), { headers: { "if-none-match": old.dataset.state ?? "" }, redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401) return signedOut(true);
  if (answer.ok || answer.status === 304) signedOut(false);
  if (answer.status !== 200) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html"), fresh = page.getElementById("live");
  if (!fresh || fresh.dataset.state === old.dataset.state) return;
  const before = newest(old), were = kept(old);
  showWritten(before, page);
  old.replaceWith(fresh);
  giveBack(fresh, were);
  tell("replaced", {});
}

// ── the stream ──
const HEARD = {
  queue: () => { if (!CASE) look(); },
  case: (told) => { if (told.state !== live()?.dataset.state) look(); },
  "signed-out": () => { close(); signedOut(true); },
};

function open() {
  const isSignedIn = document.querySelector("header nav");
  if (stream || !isSignedIn || !window.EventSource || Date.now() < streamFrom) return;
  stream = new EventSource("/console/live" + (CASE ? `?case=${CASE}` : ""));
  stream.onerror = () => { if (stream?.readyState === EventSource.CLOSED) { close(); streamFrom = Date.now() + TRIES_AGAIN; } };
  for (const kind of ["queue", "case", "message", "handoff", "signed-out"]) {
    stream.addEventListener(kind, (event) => {
      const told = JSON.parse(event.data);
      HEARD[kind]?.(told);
      tell(kind, told);
    });
  }
}

function close() {
  stream?.close();
  stream = null;
}

// A browser keeps six connections to a server: pages in sight have one, and one page more, for notices.
function tune() {
  if (!document.querySelector("header nav")) return; // nobody is signed in here
  if (document.hidden && !isMain) close(); else open();
  if (!document.hidden) look();
}

noticePlace();
scrollDown();
tellTime();
tune();
document.addEventListener("visibilitychange", tune);
addEventListener("pagehide", close);
addEventListener("pageshow", (shown) => { if (shown.persisted) tune(); });
navigator.locks?.request("throughline-console", () => { isMain = true; tell("main", {}); tune(); return new Promise(() => {}); });
setInterval(() => {
  tellTime();
  const hears = stream?.readyState === EventSource.OPEN;
  if (!document.hidden || isMain) open();
  if (!document.hidden && Date.now() - askedAt >= (hears ? ASKS_WITH_STREAM : ASKS)) look();
}, ASKS / 2);
