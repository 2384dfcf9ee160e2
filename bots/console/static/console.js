"use strict";
// What is live on a page is fetched anew when the server says that it has changed; forms keep what was typed.
const PAUSE = 4000;

function ago(since) {
  const minutes = Math.floor((Date.now() - Date.parse(since)) / 60000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}

function tellTime() {
  for (const time of document.querySelectorAll("time[data-ago]")) time.textContent = ago(time.dateTime);
}

function scrollDown() {
  const lines = document.querySelector(".timeline ol");
  if (lines) lines.scrollTop = lines.scrollHeight;
}

async function look(live) {
  const answer = await fetch(location.pathname + location.search, { headers: { "if-none-match": live.dataset.state }, redirect: "manual" });
  if (answer.type === "opaqueredirect") return location.reload(); // signed out: nothing of a customer stays in sight
  if (answer.status !== 200) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  live.replaceWith(page.getElementById("live"));
  scrollDown();
}

scrollDown();
setInterval(() => {
  const live = document.getElementById("live");
  if (!live || document.hidden) return;
  look(live).catch(() => {});
  tellTime();
}, PAUSE);
