"use strict";
// Keyboard shortcuts: single keys, never while typing, and off where they were switched off in this browser.
{
  const OFF = "throughline-keys-off", PAUSE = 1200; // milliseconds between g and the key after it
  const PLACES = { q: "", i: "/insights", p: "/playbook", k: "/knowledge", s: "/status", a: "/accounts", u: "/audit", t: "/tasks", v: "/approvals", d: "/identity", r: "/privacy" };
  const dialog = document.getElementById("keys"), box = document.getElementById("keys-on");
  let goesUntil = 0;

  const isOff = () => { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } };
  const types = (at) => at?.closest?.("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable]");
  const find = (...selectors) => selectors.map((one) => document.querySelector(one)).find(Boolean);
  const press = (deed) => find(`form[action$="/${deed}"] button:not([disabled])`)?.click();
  const focus = (...selectors) => {
    const field = find(...selectors);
    if (!field) return;
    const folded = field.closest("details");
    if (folded) folded.open = true;
    field.focus();
    field.scrollIntoView({ block: "nearest" });
  };

  function step(by) {
    const links = [...document.querySelectorAll("table.queue tbody th a, ul.found > li > a")];
    const at = links.findIndex((link) => link.closest("tr, li") === document.activeElement?.closest("tr, li"));
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
    next?.focus();
    next?.closest("tr, li").scrollIntoView({ block: "nearest" });
  }

  function go(key) {
    const link = key in PLACES && find(`header nav a[href="/console${PLACES[key]}"]`);
    if (link) link.click();
  }

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    "/": () => focus("#search"),
    g: () => { goesUntil = Date.now() + PAUSE; },
    r: () => focus("#reply"),
    n: () => focus("#note", "form[action$='/note'] textarea", "form[action$='/notes'] textarea"),
    e: () => focus("#resolution"),
    t: () => press("take"),
    "?": () => dialog?.showModal(),
  };

  addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.defaultPrevented) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const typing = event.target.closest?.("main textarea");
      if (typing?.form) { event.preventDefault(); typing.form.requestSubmit(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || isOff() || types(event.target) || document.querySelector("dialog[open]")) return;
    const goes = Date.now() < goesUntil;
    goesUntil = 0;
    const deed = goes ? () => go(event.key) : KEYS[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  });

  document.getElementById("show-keys")?.addEventListener("click", () => dialog.showModal());
  box?.addEventListener("change", () => { try { localStorage.setItem(OFF, box.checked ? "" : "1"); } catch { /* it stays on */ } });
  if (box) box.checked = !isOff();
  for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;
}
