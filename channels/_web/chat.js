const byId = (id) => document.getElementById(id);
const brand = document.body.dataset.brand;
const words = wordsFor(navigator.languages, brand);
document.documentElement.lang = words.language;
document.title = document.querySelector("h1").textContent = words.title;
byId("label").textContent = words.text;
byId("send").textContent = words.send;
byId("lines").setAttribute("aria-label", words.log);

const parts = { root: document, lines: byId("lines"), state: byId("state"), form: byId("form"), text: byId("text") };
const panel = new Panel(parts, words);
const base = new URL("./", document.baseURI).href;
panel.conversation = new Conversation(base, new ByCookie(base), new Kept("sessionStorage", "throughline-waiting"), panel);
panel.conversation.open();
