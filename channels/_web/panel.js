// What is seen of a conversation. Text only ever becomes text, and a link leads to a page or a mailbox.

const TAGS = new Set(["p", "br", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "strong", "em", "a"]);
const WRITING = 8_000; // milliseconds for which "is being written" holds
const NOTE = 12_000; // milliseconds for which a note stays
const WIDEST = 480; // points of a picture as it is shown
const SAVING = 60_000; // milliseconds in which a browser has taken a file

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function built(node) {
  if (typeof node === "string") return document.createTextNode(node);
  const [tag, attributes, children] = node;
  const made = element(TAGS.has(tag) ? tag : "span", {}, ...children.map(built));
  if (tag === "li" && attributes.value) made.value = Number(attributes.value);
  if (tag === "a" && /^(https?:|mailto:)/i.test(attributes.href)) {
    Object.assign(made, { href: attributes.href, rel: "noopener noreferrer", target: "_blank" });
  }
  return made;
}

function sized(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

class Panel {
  #items = new Map();
  #choices = null;
  #state = "";
  #passing = "";
  #timer = null;

  // `parts` are the elements {root, lines, state, form, text}.
  constructor(parts, words) {
    [this.parts, this.words, this.conversation] = [parts, words, null];
    parts.form.addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    parts.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.#submit(); }
    });
    this.#refuseFiles();
  }

  line(line, mark) {
    this.#choices?.remove();
    if (this.#passing === this.words.writing) this.#pass("");
    const item = element("li", { class: line.from, dir: "auto" });
    item.append(...(line.elements ? line.elements.map(built) : [line.text]));
    for (const file of line.files || []) item.append(this.#file(file));
    this.#items.set(line.id, item);
    // What is not sent yet stays below what is.
    this.parts.lines.insertBefore(item, mark ? null : this.parts.lines.querySelector("li[data-mark]"));
    if (mark) this.message(line.id, mark);
    if (line.choices?.length) this.#offer(line.choices);
    this.parts.lines.scrollTop = this.parts.lines.scrollHeight;
  }

  // How it stands with a message of ours: "sending", "waiting", "refused", or "" when it was taken.
  message(id, mark) {
    const item = this.#items.get(id);
    if (!item) return;
    item.querySelector(".mark")?.remove();
    if (!mark) return item.removeAttribute("data-mark");
    item.dataset.mark = mark;
    const note = element("small", { class: "mark" }, this.words[mark]);
    if (mark === "refused") note.append(" ", this.#button(this.words.again, () => this.conversation.again(id)));
    item.append(note);
  }

  state(name) {
    this.#state = this.words[name] || "";
    this.#tell();
  }

  typing() { this.#pass(this.words.writing, WRITING); }

  cleared() {
    this.parts.lines.replaceChildren();
    this.#items.clear();
    this.#choices?.remove();
    this.#choices = null;
    this.#pass("");
    this.state("");
  }

  #submit() {
    const said = this.parts.text.value.trim();
    if (said) this.conversation.say(said);
    this.parts.text.value = "";
    this.parts.text.focus();
  }

  #offer(choices) {
    const press = (says) => { this.parts.text.focus(); this.conversation.say(says); };
    const buttons = choices.map(({ label, says }) => this.#button(label, () => press(says)));
    this.#choices = element("li", { class: "choices" }, element("div", { role: "group", "aria-label": this.words.answers }, ...buttons));
    this.parts.lines.append(this.#choices);
  }

  // A file is saved when its button is pressed, and never opened here: the page may be another website's.
  #file({ name, size, path, picture }) {
    const button = this.#button("", () => this.#save(path, name));
    button.append(element("bdi", {}, name), ` (${sized(size)})`);
    const item = element("p", { class: "file" }, button);
    if (picture) this.#draw(item, path, name).catch(() => {});
    return item;
  }

  // Drawn, since a page that embeds us may allow no pictures.
  async #draw(item, path, name) {
    const bitmap = await createImageBitmap(await this.conversation.file(path));
    const width = Math.min(bitmap.width, WIDEST);
    const height = Math.max(1, Math.round(bitmap.height * width / bitmap.width));
    const canvas = element("canvas", { role: "img", "aria-label": name, width, height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    const { lines } = this.parts;
    const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < WIDEST;
    item.prepend(canvas);
    if (atEnd) lines.scrollTop = lines.scrollHeight;
  }

  async #save(path, name) {
    try {
      const address = URL.createObjectURL(await this.conversation.file(path));
      element("a", { href: address, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(address), SAVING);
    } catch {
      this.#pass(this.words.noFile, NOTE);
    }
  }

  #button(label, pressed) {
    const made = element("button", { type: "button", dir: "auto" }, label);
    made.addEventListener("click", pressed);
    return made;
  }

  // Something to read that passes; what lasts is how it stands with the connection.
  #pass(text, milliseconds = 0) {
    clearTimeout(this.#timer);
    this.#passing = text;
    this.#tell();
    if (text) this.#timer = setTimeout(() => this.#pass(""), milliseconds);
  }

  #tell() {
    const told = this.#passing || this.#state;
    if (this.parts.state.textContent !== told) this.parts.state.textContent = told;
  }

  #refuseFiles() {
    const { root } = this.parts;
    const refuse = (event, given) => {
      if (![...(given?.types || [])].includes("Files")) return;
      event.preventDefault();
      if (event.type !== "dragover") this.#pass(this.words.files, NOTE);
    };
    for (const kind of ["dragover", "drop"]) root.addEventListener(kind, (event) => refuse(event, event.dataTransfer));
    root.addEventListener("paste", (event) => refuse(event, event.clipboardData));
  }
}
