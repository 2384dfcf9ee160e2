"use strict";
// Handoffs and news, told outside the page: in the tab's title, its picture and, where it was asked for, by the browser.
{
  const WANTED = "throughline-handoffs", TOLD = "throughline-told", KEPT = 200, TITLE = document.title;
  const button = document.getElementById("tell"), why = document.getElementById("tell-why"), icon = document.getElementById("icon");
  const read = (name, otherwise) => { try { return JSON.parse(localStorage.getItem(name)) ?? otherwise; } catch { return otherwise; } };
  const keep = (name, value) => { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* for this page only */ } };
  const canTell = () => "Notification" in window && isSecureContext;
  const tells = () => canTell() && Notification.permission === "granted" && read(WANTED, false);
  let waiting = 0, isOut = false, heard = []; // the handoffs that this page heard of as long as another one told them

  function show() {
    if (!isOut) document.title = waiting ? `(${waiting}) ${TITLE}` : TITLE;
    icon?.setAttribute("href", `/console/static/${waiting ? "icon-waiting" : "icon"}.svg`);
    if (!button) return;
    button.setAttribute("aria-pressed", tells());
    why.textContent = !canTell() ? "This browser tells of nothing here: the console has to be reached by https, or on this machine."
      : Notification.permission === "denied" ? "This browser was told not to show notices of this site; its settings can change that." : "";
  }

  async function turn() {
    const on = !tells();
    if (on && canTell() && Notification.permission === "default") await Notification.requestPermission();
    keep(WANTED, on && canTell() && Notification.permission === "granted");
    show();
  }

  // Once for each browser: by the one page that is the main one, and what it told stays told when another becomes it.
  function isNew(id) {
    const told = read(TOLD, []);
    if (told.includes(id)) return false;
    keep(TOLD, [...told, id].slice(-KEPT));
    return true;
  }

  function notify(told) {
    if (!isMain) { heard = [...heard, told].slice(-KEPT); return; }
    const { id, case: number, name, category, again } = told;
    if (!isNew(id) || !tells()) return;
    const title = again ? `${name} is still waiting for a person` : `${name} needs a person`;
    const notice = new Notification(title, { body: category, tag: id, icon: "/console/static/icon.svg" });
    notice.onclick = () => { window.open(`/console/cases/${number}`, "_blank", "noopener"); notice.close(); };
  }

  function written(number) {
    const place = document.getElementById("news");
    if (!place || location.pathname.startsWith(`/console/cases/${number}`)) return;
    const link = Object.assign(document.createElement("a"), { href: `/console/cases/${number}`, textContent: "Open it" });
    place.replaceChildren("A customer has just written in a case that you have. ", link);
  }

  document.addEventListener("news", ({ detail: { kind, told } }) => {
    if (kind === "queue") waiting = told.waiting;
    if (kind === "handoff") notify(told);
    if (kind === "main") { heard.forEach(notify); heard = []; }
    if (kind === "message") written(told.case);
    if (kind === "signed") isOut = told.out;
    show();
  });
  button?.addEventListener("click", turn);
  addEventListener("storage", show);
  show();
}
