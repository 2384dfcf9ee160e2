"use strict";
const lines = document.getElementById("lines");
const state = document.getElementById("state");
const form = document.getElementById("form");
const text = document.getElementById("text");

const stream = new EventSource("/api/chat/stream");
stream.onopen = () => { state.textContent = ""; };
stream.onerror = () => { state.textContent = "Connecting again …"; };
const shown = new Set();
stream.onmessage = (event) => {
  const line = JSON.parse(event.data);
  if (shown.has(line.id)) return;
  shown.add(line.id);
  const item = document.createElement("li");
  item.className = line.from;
  item.textContent = line.text;
  lines.append(item);
  item.scrollIntoView();
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = text.value.trim();
  if (!said) return;
  const body = JSON.stringify({ id: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()), text: said });
  try {
    const answer = await fetch("/api/chat/messages", { method: "POST", body, headers: { "content-type": "application/json" } });
    if (!answer.ok) throw new Error(await answer.text());
    text.value = "";
    state.textContent = "";
  } catch (error) {
    state.textContent = "Not sent; your text is still here. " + error.message;
  }
  text.focus();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
});
