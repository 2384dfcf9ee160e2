"use strict";
// A case has several forms, and one of them leaves the page: what was typed into the others comes back on the next one.
(() => {
  const page = location.pathname.match(/^\/console\/cases\/\d+/);
  if (!page || !document.querySelector(".case")) return;
  const KEPT = `typed:${page[0]}`;
  let sent = null;

  const fields = () => document.querySelectorAll(".case :is(textarea, input[type=text], input:not([type]))[id]");

  try {
    const typed = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
    sessionStorage.removeItem(KEPT);
    for (const field of fields()) {
      if (field.value || !(field.id in typed)) continue;
      field.value = typed[field.id];
      const folded = field.closest("details");
      if (folded) folded.open = true;
    }
  } catch { /* nothing can be kept in this browser */ }

  document.addEventListener("submit", (event) => { sent = event.target; });
  addEventListener("pagehide", () => {
    const typed = {};
    for (const field of fields()) if (field.form !== sent && field.value.trim()) typed[field.id] = field.value;
    try { if (Object.keys(typed).length) sessionStorage.setItem(KEPT, JSON.stringify(typed)); } catch { /* full */ }
  });
})();
