// Who is writing, as the server knows them: by its cookie, by a session that this page keeps, or by a login's token.

class SignedOut extends Error {}

// One renewal at a time, and none for what was renewed since.
class Renewed {
  #renewing = null;

  async renew(used) {
    this.#renewing ??= this.replace(used).finally(() => { this.#renewing = null; });
    await this.#renewing;
  }
}

// On our own page: the browser sends the cookie, and loading the page again gives a new one.
class ByCookie extends Renewed {
  credentials = "same-origin";
  constructor(base) { super(); this.base = base; }
  async headers() { return {}; }
  heard() {}
  async replace() {
    if (!(await fetch(`${this.base}chat`, { cache: "no-store" })).ok) throw new Error("no session");
  }
}

// On others' pages: the session is kept in their storage, so that no cookie of another website is needed.
class BySession extends Renewed {
  credentials = "omit";
  constructor(base, kept) { super(); this.base = base; this.kept = kept; }
  async headers() {
    if (!this.kept.read()) await this.renew({});
    return { "x-chat-session": this.kept.read() };
  }
  heard(answer) {
    const renewed = answer.headers.get("x-chat-session");
    if (renewed) this.kept.write(renewed);
  }
  async replace(used) {
    const now = this.kept.read();
    if (now && now !== used["x-chat-session"]) return;
    const answer = await fetch(`${this.base}api/chat/session`, { credentials: "omit", cache: "no-store" });
    if (!answer.ok) throw new Error("no session");
    this.kept.write((await answer.json()).session);
  }
}

// Signed in: by a token, or by a function that gives a fresh one each time.
class ByLogin extends Renewed {
  credentials = "omit";
  #token = "";
  constructor(source) { super(); this.source = source; }
  async headers() {
    if (!this.#token) await this.renew({});
    return { authorization: `Bearer ${this.#token}` };
  }
  heard() {}
  async replace(used) {
    if (this.#token && used.authorization !== `Bearer ${this.#token}`) return;
    const token = typeof this.source === "function" ? await this.source() : this.source;
    if (!token || token === this.#token) throw new SignedOut();
    this.#token = token;
  }
}

// Something small that outlives the page, as far as the browser lets us.
class Kept {
  constructor(storage, name) { this.storage = storage; this.name = name; this.value = null; }
  read() {
    try { return JSON.parse(window[this.storage].getItem(this.name)) ?? this.value; } catch { return this.value; }
  }
  write(value) {
    this.value = value;
    try { window[this.storage].setItem(this.name, JSON.stringify(value)); } catch { /* private mode: for this page only */ }
  }
}
