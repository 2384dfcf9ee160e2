// A conversation: what is said is taken once, and what is answered is shown once, whatever the network does.

const SILENCE = 60_000; // milliseconds; the server says something every 20 seconds
const STEADY = 5_000; // milliseconds; a stream that held so long did not fail
const HIDDEN = 120_000; // milliseconds
const TRIES = 4; // of a message that the server does not take although it answers
const REFUSED = [400, 401, 403, 413];

class Conversation {
  #base; #visitor; #kept; #on;
  #waiting; // what the server has not taken yet, oldest first
  #seen = new Set();
  #cursor = ""; // the last event that we had
  #run = null; // what follows the stream now
  #sending = false;
  #sleepers = new Set();
  #leave = () => {}; // lets go of the stream
  #leaving = null;

  constructor(base, visitor, kept, on) {
    [this.#base, this.#visitor, this.#kept, this.#on] = [base, visitor, kept, on];
    this.#waiting = kept.read() || [];
    addEventListener("online", () => this.#wake());
    addEventListener("offline", () => this.#on.state("offline"));
    document.addEventListener("visibilitychange", () => this.#seenOrHidden());
  }

  get isOpen() { return this.#run !== null; }

  open() {
    if (this.isOpen) return;
    this.#run = new AbortController();
    for (const { id, text } of this.#waiting) this.#show({ id, text, from: "customer" }, "waiting");
    this.#follow(this.#run);
    this.#send();
  }

  say(text) {
    const message = { id: uniqueId(), text };
    this.#waiting.push(message);
    this.#kept.write(this.#waiting);
    this.#show({ ...message, from: "customer" }, "sending");
    this.#send();
  }

  again(id) {
    const message = this.#waiting.find((one) => one.id === id);
    if (message) message.refused = false;
    this.#on.message(id, "sending");
    this.#send();
  }

  // A file of a line. Its address alone opens nothing, so it is asked for as who is writing.
  async file(path) {
    const answer = await this.#ask(path, {});
    if (!answer.ok) throw Object.assign(new Error("no file"), { status: answer.status });
    return answer.blob();
  }

  // Somebody else writes from now on: nothing of who wrote before is sent or shown any more.
  become(visitor) {
    const wasOpen = this.isOpen;
    this.#run?.abort();
    this.#run = null;
    [this.#visitor, this.#waiting, this.#cursor] = [visitor, [], ""];
    this.#kept.write([]);
    this.#seen.clear();
    this.#on.cleared();
    this.#wake();
    if (wasOpen) this.open();
  }

  #show(line, mark) {
    if (this.#seen.has(line.id)) return;
    this.#seen.add(line.id);
    this.#on.line(line, mark);
  }

  async #follow(run) {
    for (let failures = 1; this.#run === run; failures += 1) {
      const began = performance.now();
      try {
        await this.#read(run);
      } catch (error) {
        if (this.#run !== run) return;
        this.#on.state(reasonOf(error));
        if (error instanceof SignedOut) return;
      }
      if (performance.now() - began > STEADY) failures = 0;
      await this.#pause(backoff(failures));
      while (document.hidden && this.#run === run) await this.#pause(HIDDEN);
    }
  }

  // A page that nobody looks at keeps no stream: browsers open only six of them.
  #seenOrHidden() {
    clearTimeout(this.#leaving);
    if (document.hidden) this.#leaving = setTimeout(() => this.#leave(), HIDDEN);
    else this.#wake();
  }

  // Reads the stream until the server ends it; throws when it broke off.
  async #read(run) {
    const broken = new AbortController();
    const stop = () => broken.abort();
    this.#leave = stop;
    run.signal.addEventListener("abort", stop);
    let patience = setTimeout(stop, SILENCE);
    try {
      const headers = this.#cursor ? { "last-event-id": this.#cursor } : {};
      const answer = await this.#ask("api/chat/stream?typing=1", { headers, signal: broken.signal });
      if (!answer.ok) throw Object.assign(new Error("no stream"), { status: answer.status });
      this.#on.state("");
      this.#wake();
      const [reader, decoder] = [answer.body.getReader(), new TextDecoder()];
      for (let text = ""; ;) {
        const { done, value } = await reader.read();
        if (done || this.#run !== run) return;
        clearTimeout(patience);
        patience = setTimeout(stop, SILENCE);
        const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
        text = events.pop();
        events.forEach((event) => this.#hear(event));
      }
    } finally {
      clearTimeout(patience);
      run.signal.removeEventListener("abort", stop);
      stop();
    }
  }

  #hear(event) {
    const fields = {};
    for (const line of event.split("\n")) {
      const colon = line.indexOf(":"); // a comment begins with one
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
    }
    if (fields.event === "typing") this.#on.typing();
    if (fields.event || !fields.data) return;
    const line = JSON.parse(fields.data);
    if (line.from === "customer") this.#taken(line.id);
    this.#show(line, "");
    this.#cursor = fields.id || this.#cursor;
  }

  async #send() {
    if (this.#sending || !this.isOpen) return;
    this.#sending = true;
    try {
      for (let next; (next = this.#waiting.find((message) => !message.refused));) await this.#deliver(next);
    } finally {
      this.#sending = false;
    }
  }

  // Until it is taken or refused, or nobody waits for it any more. Its id makes sure that it counts once.
  async #deliver(message) {
    for (let failures = 1, answered = 0; this.#waiting.includes(message); failures += 1) {
      const status = await this.#post(message);
      if (!this.#waiting.includes(message)) return;
      if (status >= 200 && status < 300) return this.#taken(message.id);
      if (status) answered += 1;
      if (REFUSED.includes(status) || answered >= TRIES) {
        message.refused = true;
        return this.#on.message(message.id, "refused");
      }
      this.#on.message(message.id, "waiting");
      if (!navigator.onLine) this.#on.state("offline");
      await this.#pause(backoff(failures));
    }
  }

  // The status of the answer; 0 when there was none.
  async #post({ id, text }) {
    try {
      const options = { method: "POST", body: JSON.stringify({ id, text }), headers: { "content-type": "application/json" } };
      return (await this.#ask("api/chat/messages", options)).status;
    } catch (error) {
      return error instanceof SignedOut ? 401 : 0;
    }
  }

  #taken(id) {
    this.#waiting = this.#waiting.filter((message) => message.id !== id);
    this.#kept.write(this.#waiting);
    this.#on.message(id, "");
  }

  async #ask(path, options) {
    const visitor = this.#visitor;
    for (let first = true; ; first = false) {
      const ours = await visitor.headers();
      const headers = { ...options.headers, ...ours };
      const answer = await fetch(this.#base + path, { ...options, headers, cache: "no-store", credentials: visitor.credentials });
      visitor.heard(answer);
      if (answer.status !== 401 || !first) return answer;
      await visitor.renew(ours);
    }
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const wake = () => { clearTimeout(timer); this.#sleepers.delete(wake); resolve(); };
      const timer = setTimeout(wake, milliseconds);
      this.#sleepers.add(wake);
    });
  }

  #wake() {
    [...this.#sleepers].forEach((wake) => wake());
  }
}

// Twice as long each time, half of it by chance, so that not all pages come back at once.
function backoff(failures) {
  return Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
}

function reasonOf(error) {
  if (error instanceof SignedOut || error.status === 401) return "signedOut";
  if (error.status === 429) return "full";
  return navigator.onLine ? "connecting" : "offline";
}

function uniqueId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
