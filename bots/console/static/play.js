// Forms and links of the stage work without leaving the page, and what is said shows up by itself.
const EVERY = 700; // milliseconds
const PARTS = ["deeds", "cast", "channels", "said", "speak", "sees"];
const stage = document.getElementById("stage");
let asking = false;

function scrollToNewest() {
  const said = document.getElementById("said");
  said.scrollTop = said.scrollHeight;
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const state = fresh.getElementById("stage");
  if (!state) return location.reload();
  stage.dataset.state = state.dataset.state;
  for (const id of PARTS) {
    const old = document.getElementById(id);
    const part = fresh.getElementById(id);
    if (old.dataset.key !== part.dataset.key) old.replaceWith(part);
  }
  scrollToNewest();
}

async function ask(address, options) {
  asking = true;
  try {
    const answer = await fetch(address, options);
    if (answer.status === 200) show(await answer.text());
    else if (answer.status !== 304) location.reload();
    return answer;
  } finally {
    asking = false;
  }
}

stage.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  form.reset();
  ask(form.action, { method: "POST", body }).then(() => document.getElementById("text")?.focus());
});

stage.addEventListener("keydown", (event) => {
  if (event.target.id !== "text" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (event.target.value.trim()) event.target.form.requestSubmit();
});

stage.addEventListener("click", (event) => {
  const link = event.target.closest("nav a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  ask(link.href);
});

addEventListener("popstate", () => location.reload());

scrollToNewest();
setInterval(() => {
  if (asking || document.hidden) return;
  ask(location.href, { headers: { "if-none-match": stage.dataset.state } }).catch(() => {});
}, EVERY);
