"use strict";
// Dark or light as it was chosen in this browser, before anything is drawn; without a choice as the system says.
{
  const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)"), KEPT = "throughline-colours";
  root.classList.toggle("framed", self !== top); // on the stage, which has its own header
  let chosen = "";
  try { chosen = localStorage.getItem(KEPT) ?? ""; } catch { /* nothing can be kept here: the system decides */ }
  const isDark = () => (chosen ? chosen === "dark" : system.matches);

  function paint() {
    for (const name of ["dark", "light"]) root.classList.toggle(name, chosen === name);
    document.getElementById("dark")?.setAttribute("aria-pressed", isDark());
  }

  function turn() {
    const wanted = isDark() ? "light" : "dark";
    chosen = (wanted === "dark") === system.matches ? "" : wanted;
    try { localStorage.setItem(KEPT, chosen); } catch { /* it holds for this page */ }
    paint();
  }

  paint();
  system.addEventListener("change", paint);
  addEventListener("storage", (change) => {
    if (change.key !== KEPT) return;
    chosen = change.newValue ?? "";
    paint();
  });
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("dark")?.addEventListener("click", turn);
    paint();
  });
}
