// One hub per model in a page, shared by all its views: pages and their pictures, tags, what is selected.

const hubs = new Map();
const KEPT_PAGES = 24;
const PATIENCE_MS = 3000;
const FIRST_MS = 1000;
const LOAD_MS = 50;   // after a page came: pictures that are loaded by then are drawn sooner, where it is turned to later

class Hub {
  constructor(model) {
    this.model = model;
    this.pages = new Map();      // key -> {content, urls: Map(image id -> address)}
    this.waiting = new Map();    // key -> time asked
    this.selected = new Set();
    this.nSelected = 0;
    this.nHidden = 0;            // of these, how many the filter hides
    this.views = new Set();
    this.heard = false;
    this.tags = new Map();       // image id -> tags as they are drawn, newer than the pages
    this.stored = new Map();     // image id -> tags as the kernel told them last
    this.sent = 0;
    this.pending = new Set();    // numbers of what was asked and not yet answered
    this.lastSelect = 0;
  }

  /** Ask for a page unless it is here or under way. */
  ask(key, query, page, size) {
    if (this.pages.has(key) || this.waiting.has(key)) return;
    this.waiting.set(key, performance.now());
    setTimeout(() => { if (this.waiting.has(key)) this.tell("late", key); }, PATIENCE_MS);
    this.send({ op: "page", key, query, page, size });
  }

  /** Wait for the first page, which the kernel sends unasked; should it have been lost, ask for it. */
  expect(key, query, page, size) {
    this.first = key;
    this.waiting.set(key, performance.now());
    setTimeout(() => { if (this.waiting.delete(key)) this.ask(key, query, page, size); }, FIRST_MS);
  }

  /** Ask for a deed. The kernel answers each by its number, once it is stored. */
  act(message) {
    const n = ++this.sent;
    this.pending.add(n);
    if (message.op === "select") this.lastSelect = n;
    setTimeout(() => { if (this.pending.has(n)) this.tell("unanswered", this.pending.size); }, PATIENCE_MS);
    this.send({ ...message, n });
  }

  send(message) {
    try {
      Promise.resolve(this.model.send(message)).catch(() => this.lose(message));
    } catch { this.lose(message); }
  }

  /** Nothing can be sent any more: draw what is stored, not what was pressed. */
  lose(message) {
    this.heard = false;
    if (message.op === "page") { this.waiting.delete(message.key); this.tell("late", message.key); return; }
    this.pending.clear();
    this.tags = new Map(this.stored);
    this.tell("lost");
  }

  countSelected(content) { [this.nSelected, this.nHidden] = [content.n_selected, content.n_hidden]; }

  store(told) { for (const [id, tags] of Object.entries(told)) this.stored.set(id, tags); }

  tagsAre(told) { this.store(told); for (const [id, tags] of Object.entries(told)) this.tags.set(id, tags); }

  done(content) {
    this.pending.delete(content.n);
    this.store(content.tags);
    if (!this.pending.size) this.tags = new Map(this.stored);   // of what was pressed quickly, too
    if (content.n >= this.lastSelect) { this.selected = new Set(content.selected); this.countSelected(content); }
    this.tell("done");
  }

  receive(content, buffers) {
    this.heard = true;
    if (content.kind === "page" || content.kind === "more") this.keep({ ...content, key: content.key === "first" ? this.first : content.key }, buffers);
    else if (content.kind === "tags") {
      if (this.pending.size > 1) this.store(content.tags);
      else this.tagsAre(content.tags);
      if (content.again) this.forget();
      this.tell("tags", content);
    } else if (content.kind === "done") this.done(content);
    else if (content.kind === "selection") {
      if (this.pending.has(this.lastSelect)) return;
      this.selected = new Set(content.ids);
      this.countSelected(content);
      this.tell("selection", content);
    } else this.tell(content.kind, content, buffers);
  }

  keep(content, buffers) {
    if (this.pages.has(content.key) === (content.kind === "page")) return;
    const known = this.pages.get(content.key) ?? { content, urls: new Map() };
    const whole = buffers[0];
    let offset = 0;
    for (const [id, length] of content.pictures) {
      if (length && !known.urls.has(id)) known.urls.set(id, toDataAddress(whole, offset, length));
      offset += length;
    }
    this.waiting.delete(content.key);
    if (content.kind === "page") {
      for (const row of content.rows) for (const tile of row.tiles) {
        this.stored.set(tile.id, tile.tags);
        if (!this.pending.size || !this.tags.has(tile.id)) this.tags.set(tile.id, tile.tags);
        if (tile.selected) this.selected.add(tile.id);
      }
      if (!this.pending.has(this.lastSelect)) this.countSelected(content);
      this.pages.set(content.key, known);
      while (this.pages.size > KEPT_PAGES) this.pages.delete(this.pages.keys().next().value);
    }
    this.tell("page", content.key);
    setTimeout(() => { known.loaded = [...known.urls.values()].map((src) => Object.assign(new Image(), { src })); }, LOAD_MS);
  }

  forget() { this.pages.clear(); this.waiting.clear(); }

  tell(kind, ...rest) { for (const view of this.views) view.hear(kind, ...rest); }
}

const bytesOf = (view, offset, length) => new Uint8Array(view.buffer ?? view, (view.byteOffset ?? 0) + offset, length);
const typeOf = (bytes) => (bytes[0] === 0x89 ? "image/png" : "image/jpeg");

/** For large pictures; has to be revoked. */
function toAddress(view, offset, length) {
  const bytes = bytesOf(view, offset, length);
  return URL.createObjectURL(new Blob([bytes], { type: typeOf(bytes) }));
}

function toBase64(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += 8192) parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  return btoa(parts.join(""));
}

/** For thumbnails: a browser shows a page of these sooner than one of blobs. */
function toDataAddress(view, offset, length) {
  const bytes = bytesOf(view, offset, length);
  return `data:${typeOf(bytes)};base64,${bytes.toBase64?.() ?? toBase64(bytes)}`;   // browsers learnt it in 2025
}

function hubOf(model) {
  const uid = model.get("_uid");
  if (!hubs.has(uid)) {
    const hub = new Hub(model);
    hub.listener = (content, buffers) => hub.receive(content, buffers ?? []);
    model.on("msg:custom", hub.listener);
    hubs.set(uid, hub);
  }
  return hubs.get(uid);
}

function closeHub(uid) {
  hubs.get(uid)?.forget();
  hubs.delete(uid);
}
