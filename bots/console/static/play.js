// Forms and links of the stage work without leaving the page, and what is said shows up by itself.
const EVERY = 700; // milliseconds
const PARTS = ["deeds", "cast", "channels", "said", "speak", "sees"];
const stage = document.getElementById("stage");
let newest = 0; // answers to what was asked before it come too late
let isBusy = false;
let leaves = false;

const box = () => document.getElementById("text");

function scrollToNewest() {
  const said = document.getElementById("said");
  said.scrollTop = said.scrollHeight;
}

function show(html, typed) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  stage.dataset.state = fresh.getElementById("stage").dataset.state;
  for (const id of PARTS) {
    const old = document.getElementById(id);
    const part = fresh.getElementById(id);
    if (old.dataset.key !== part.dataset.key) old.replaceWith(part);
  }
  if (box()) box().value = typed;
  scrollToNewest();
}

async function ask(address, options = {}) {
  const mine = ++newest;
  const answer = await fetch(address, options);
  const html = answer.status === 200 ? await answer.text() : "";
  if (mine === newest && html) show(html, options.body ? "" : box()?.value ?? "");
  return answer;
}

async function send(form, button) {
  isBusy = true;
  document.getElementById("trouble").hidden = true;
  try {
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await ask(form.action, { method: "POST", body });
    if (!answer.ok) return leave(form, button);
    history.replaceState(null, "", answer.url);
    box()?.focus();
  } catch {
    document.getElementById("trouble").hidden = false;
  } finally {
    isBusy = false;
  }
}

function leave(form, button) {
  leaves = true; // signed out, for one: the page that says so keeps what was typed
  form.requestSubmit(button);
}

async function look() {
  const answer = await ask(location.href, { headers: { "if-none-match": stage.dataset.state }, redirect: "manual" });
  if (answer.type === "opaqueredirect") location.reload();
}

stage.addEventListener("submit", (event) => {
  if (leaves) return;
  event.preventDefault();
  if (!isBusy) send(event.target, event.submitter);
});

stage.addEventListener("keydown", (event) => {
  if (event.target !== box() || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  box().form.requestSubmit();
});

stage.addEventListener("click", (event) => {
  const link = event.target.closest("nav a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  ask(link.href).catch(() => location.reload());
});

addEventListener("popstate", () => location.reload());

scrollToNewest();
setInterval(() => {
  if (!isBusy && !document.hidden) look().catch(() => {}); // the next look may find it again
}, EVERY);
