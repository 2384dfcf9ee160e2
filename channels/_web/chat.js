"use strict";
const lines = document.getElementById("lines");
const state = document.getElementById("state");
const form = document.getElementById("form");
const text = document.getElementById("text");

// What a reply may be made of. Text only ever becomes text, and a link leads to a page or a mailbox.
const tags = new Set(["p", "br", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "strong", "em", "a"]);
function built(node) {
  if (typeof node === "string") return document.createTextNode(node);
  const [tag, attributes, children] = node;
  const element = document.createElement(tags.has(tag) ? tag : "span");
  if (tag === "li" && attributes.value) element.value = Number(attributes.value);
  if (tag === "a" && /^(https?:|mailto:)/i.test(attributes.href)) {
    element.href = attributes.href;
    element.rel = "noopener";
    element.target = "_blank";
  }
  element.append(...children.map(built));
  return element;
}

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
  if (line.elements) item.append(...line.elements.map(built)); else item.textContent = line.text;
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
