"use strict";
// What is typed into the reply is shown as it will look, a moment after the last key. Without this, Preview does it.
const REST = 700;
let waiting = 0;

async function show(box) {
  const body = new URLSearchParams({ reply: box.value, part: "yes" });
  const answer = await fetch(box.dataset.preview, { method: "POST", body, redirect: "manual" });
  if (answer.type === "opaqueredirect" || (answer.status !== 200 && answer.status !== 409)) return;
  const part = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("look");
  const here = document.getElementById("look");
  if (part && here) here.replaceWith(part);
}

document.addEventListener("input", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLTextAreaElement) || !box.dataset.preview) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => show(box).catch(() => {}), REST);
});
