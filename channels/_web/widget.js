const script = document.currentScript;
if (!script || window.throughline) return;

const DAY = 86_400_000; // milliseconds; who used the chat since hears of answers without opening it
const base = new URL("../", script.src).href;
const words = wordsFor([document.documentElement.lang, ...navigator.languages].filter(Boolean), "{brand}");
const session = new Kept("localStorage", `throughline-session ${base}`);
const read = new Kept("localStorage", `throughline-read ${base}`); // the last line of ours that was seen
const used = new Kept("localStorage", `throughline-used ${base}`); // when a line was last seen
const waiting = new Kept("sessionStorage", `throughline-waiting ${base}`);

class Widget {
  #isShown = false;

  constructor() {
    this.host = element("throughline-chat");
    const root = this.host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styled("{style}", script.dataset.color)];
    const dot = element("span", { class: "dot", "aria-hidden": "true" });
    this.opener = element("button", { class: "opener", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false" }, dot);
    this.#name(words.open);
    this.dialog = this.#dialog();
    root.append(this.opener, this.dialog);
    this.opener.addEventListener("click", () => (this.#isShown ? this.close() : this.open()));
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    // To the page what is typed here seems typed nowhere: it would take letters for its shortcuts.
    for (const kind of ["keydown", "keypress", "keyup"]) this.dialog.addEventListener(kind, (event) => event.stopPropagation());
    window.visualViewport?.addEventListener("resize", () => this.#fit());
    window.visualViewport?.addEventListener("scroll", () => this.#fit());
    document.body.append(this.host);
  }

  #dialog() {
    const [lines, state, form, text] = [
      element("ol", { id: "lines", role: "log", "aria-live": "polite", "aria-label": words.log, tabindex: "0" }),
      element("p", { id: "state", role: "status" }),
      element("form"),
      element("textarea", { id: "text", rows: "2", maxlength: "16000", required: "" }),
    ];
    const shut = element("button", { class: "shut", type: "button", "aria-label": words.close }, "×");
    shut.addEventListener("click", () => this.close());
    form.append(element("label", { for: "text" }, words.text), text, element("button", {}, words.send));
    const head = element("header", {}, element("h2", { id: "title" }, words.title), shut);
    const dialog = element("section", { role: "dialog", "aria-modal": "true", "aria-labelledby": "title", lang: words.language, hidden: "" });
    dialog.append(head, lines, state, form);
    this.text = text;
    this.panel = new Panel({ root: dialog, lines, state, form, text }, words);
    return dialog;
  }

  open() {
    this.#isShown = true;
    this.dialog.hidden = false;
    this.opener.setAttribute("aria-expanded", "true");
    this.#unread(false);
    if (this.last) read.write(this.last);
    this.#fit();
    this.text.focus();
    connect();
  }

  close() {
    this.#isShown = false;
    this.dialog.hidden = true;
    this.opener.setAttribute("aria-expanded", "false");
    this.opener.focus();
  }

  // What the conversation tells, shown on the panel, and by a dot while it is closed.
  line(line, mark) {
    this.panel.line(line, mark);
    if (this.#isShown) used.write(Date.now());
    if (line.from === "customer") return;
    this.last = line.id;
    if (this.#isShown) read.write(line.id);
    else this.#unread(line.id !== read.read());
  }
  message(id, mark) { this.panel.message(id, mark); }
  state(name) { this.panel.state(name); }
  typing() { this.panel.typing(); }
  cleared() { this.panel.cleared(); this.#unread(false); }

  #unread(is) {
    this.opener.classList.toggle("unread", is);
    this.#name(is ? `${words.open}. ${words.unread}` : words.open);
  }

  #name(label) { this.opener.setAttribute("aria-label", label); }

  // Escape closes, and Tab stays within the panel while it is open.
  #key(event) {
    if (event.key === "Escape") this.close();
    if (event.key !== "Tab") return;
    const stops = [...this.dialog.querySelectorAll("button, textarea, a[href], [tabindex='0']")];
    const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (this.host.shadowRoot.activeElement === from) { event.preventDefault(); to.focus(); }
  }

  // On a phone the panel is as high as what the on-screen keyboard leaves.
  #fit() {
    const view = window.visualViewport;
    if (!view) return;
    this.dialog.style.setProperty("--height", `${view.height}px`);
    this.dialog.style.setProperty("--top", `${view.offsetTop}px`);
  }
}

function styled(style, color) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  if (/^#[0-9a-f]{6}$/i.test(color || "")) {
    const on = isLight(color) ? "#000" : "#fff";
    sheet.insertRule(`:host { --accent: ${color} !important; --on-accent: ${on} !important; }`, sheet.cssRules.length);
  }
  return sheet;
}

// Whether black is read better on a colour than white (WCAG's relative luminance).
function isLight(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
}

// The website's own word for who is signed in: 200 with {"token"}, or anything else for nobody.
async function tokenFrom(address) {
  const answer = await fetch(address, { credentials: "include", cache: "no-store" });
  if (answer.status >= 500) throw new Error("no token now");
  return answer.ok && answer.status !== 204 ? (await answer.json()).token : "";
}

let widget, conversation, connecting;

// It is found out who is writing, once.
function connect() {
  connecting ??= identify().finally(() => conversation.open());
  return connecting;
}

async function identify() {
  const address = script.dataset.tokenUrl;
  if (!address || window.throughline.isSet) return;
  const source = () => tokenFrom(new URL(address, document.baseURI));
  if (await source() && !window.throughline.isSet) await window.throughline.login(source);
}

function begin() {
  widget = new Widget();
  conversation = new Conversation(base, new BySession(base, session), waiting, widget);
  widget.panel.conversation = conversation;
  if (Date.now() - used.read() < DAY) connect();
}

const ready = document.body ? Promise.resolve() : new Promise((resolve) => { document.addEventListener("DOMContentLoaded", resolve); });

window.throughline = {
  isSet: false,
  // `token` is a token, or a function that gives a fresh one each time (a promise of one, too).
  async login(token) {
    this.isSet = true;
    await ready;
    session.write(null);
    conversation.become(new ByLogin(token));
  },
  async logout() {
    this.isSet = true;
    await ready;
    session.write(null);
    conversation.become(new BySession(base, session));
  },
  async open() { await ready; widget.open(); },
  async close() { await ready; widget.close(); },
};

ready.then(begin);
