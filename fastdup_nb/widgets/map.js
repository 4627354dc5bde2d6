// A map of images: pans, zooms, selects and tags. The kernel draws; see map_canvas.js for what is drawn here.

const PATIENCE = 3000;
const KEPT_TILES = 600;
const KEYS = [
  ["Drag, arrows", "move"], ["Wheel, + and −", "zoom, once the map has the focus"], ["Home", "show everything"],
  ["l, b, p", "lasso, box, pan"], ["Click", "select one image"], ["Shift, Alt", "add to the selection, take from it"],
  ["Escape", "clear the selection"], ["Digits", "tag what is selected, or untag it"], ["u, Shift-u", "undo, redo a tag"],
  ["t", "thumbnails on or off"], ["?", "this help"],
];

function render({ model, el }) {
  const id = Math.random().toString(36).slice(2);
  const told = () => model.get("_state");
  const scene = {
    size: { width: 0, height: 0 }, ratio: 1, look: null, picture: null, tiles: new Map(), names: [], drawn: null,
    hover: null, hasSelection: false, colors: {}, font: "sans-serif",
  };
  let mode = "pan", withTiles = true, flying = 0, isStale = false, asked = 0, patience = 0, version = 0;
  let isWhole = true;  // everything is in view, and stays so when the size changes
  let drag = null, tipUrl = "", hovering = 0, hoverNext = null, hintTimer = 0, frame = 0;
  const replies = new Map(), waiting = new Set();

  const ui = buildMap({ setMode, zoom, home, toggleTiles, toggleHelp, step, recolor, tag: applyTag });
  el.append(ui.root);
  keepKeys(ui.root);
  let showTwins = hideTwins(told().twin);

  const post = (kind, content = {}, buffers) => model.send({ kind, view: id, ...content }, undefined, buffers);

  // --- pictures: one is asked for at a time; what was wanted meanwhile is asked for next
  function refresh() {
    if (!scene.look || !told().n) return;
    if (flying) { isStale = true; return; }
    isStale = false;
    flying = ++asked;
    clearTimeout(patience);
    patience = setTimeout(() => {
      flying = 0;
      ui.banner.hidden = false;
      if (!scene.picture) { showTwins?.(); showTwins = null; }
    }, PATIENCE);
    post("picture", { id: flying, ...scene.look, ...scene.size, ratio: scene.ratio, tiles: withTiles });
  }

  async function takePicture(content, buffers) {
    if (content.id !== asked) return;
    const images = await Promise.all(buffers.map((data) => createImageBitmap(new Blob([data], { type: "image/png" }))));
    clearTimeout(patience);
    flying = 0;
    showTwins ??= hideTwins(told().twin);
    ui.banner.hidden = true;
    scene.picture = { ...content, image: composePicture(images[0], images[1], scene.colors.ink, content.radius), parts: images };
    scene.hasSelection = images.length > 1;
    ui.root.dataset.drawn = content.version;
    askTiles();
    paint();
    if (isStale) refresh();
  }

  function askTiles() {
    const missing = scene.picture.tiles.map((tile) => tile[0]).filter((i) => !scene.tiles.has(i) && !waiting.has(i));
    for (let start = 0; start < missing.length; start += 24) {
      const positions = missing.slice(start, start + 24);
      positions.forEach((i) => waiting.add(i));
      post("tiles", { positions });
    }
  }

  async function takeTiles({ positions }, buffers) {
    await Promise.all(positions.map(async (position, i) => {
      waiting.delete(position);
      if (!buffers[i]?.byteLength) return;
      try { scene.tiles.set(position, await createImageBitmap(new Blob([buffers[i]]))); } catch { /* no picture */ }
    }));
    const shown = new Set(scene.picture.tiles.map((tile) => tile[0]));
    for (const position of scene.tiles.keys()) {
      if (scene.tiles.size <= KEPT_TILES) break;
      if (!shown.has(position)) { scene.tiles.get(position).close(); scene.tiles.delete(position); }
    }
    ui.root.dataset.tiles = scene.tiles.size;
    paint();
  }

  function paint() {
    if (!frame) frame = requestAnimationFrame(() => { frame = 0; if (scene.look) paintMap(ui.canvas, scene); });
  }

  function readColors() {
    const style = getComputedStyle(ui.root), read = (name) => style.getPropertyValue(name).trim();
    scene.colors = { ink: style.color, ground: style.backgroundColor, accent: read("--accent"), quiet: "#8c8c8c" };
    scene.font = style.fontFamily;
    const last = scene.picture;
    if (last) last.image = composePicture(last.parts[0], last.parts[1], scene.colors.ink, last.radius);
    paint();
  }

  function measure() {
    const { width, height } = ui.stage.getBoundingClientRect();
    if (width < 1 || (Math.round(width) === scene.size.width && Math.round(height) === scene.size.height)) return;
    scene.size = { width: Math.round(width), height: Math.round(height) };
    scene.ratio = Math.min(window.devicePixelRatio || 1, 2);
    ui.canvas.width = scene.size.width * scene.ratio;
    ui.canvas.height = scene.size.height * scene.ratio;
    if (isWhole) scene.look = fitLook(told().home, scene.size);
    readColors();
    refresh();
  }

  // --- looking
  function look(next, isHome = false) {
    isWhole = isHome;
    const whole = fitLook(told().home, scene.size).scale;
    scene.look = { ...next, scale: Math.min(Math.max(next.scale, whole / 1e5), whole * 4) };
    hideTip();
    paint();
    refresh();
  }
  function home() { look(fitLook(told().home, scene.size), true); }
  function zoom(factor, px = scene.size.width / 2, py = scene.size.height / 2) {
    const [x, y] = onMap(scene.look, scene.size, px, py), scale = scene.look.scale / factor;
    look({ x: x - (px - scene.size.width / 2) * scale, y: y + (py - scene.size.height / 2) * scale, scale });
  }
  function pan(dx, dy) {
    look({ ...scene.look, x: scene.look.x - dx * scene.look.scale, y: scene.look.y + dy * scene.look.scale });
  }
  function toggleTiles() {
    withTiles = !withTiles;
    ui.tilesButton.setAttribute("aria-pressed", withTiles);
    refresh();
  }
  function toggleHelp(isOpen = ui.help.hidden) {
    ui.help.hidden = !isOpen;
    ui.helpButton.setAttribute("aria-expanded", isOpen);
  }
  function setMode(next) {
    mode = next;
    ui.stage.dataset.mode = mode;
    for (const [name, button] of Object.entries(ui.modes)) button.setAttribute("aria-pressed", name === mode);
  }

  // --- selecting and tagging
  const how = (event) => (event.altKey ? "remove" : event.shiftKey ? "add" : event.ctrlKey || event.metaKey ? "toggle" : "set");
  function select(outline, event) {
    const step = Math.ceil(outline.length / 2000);
    const places = outline.filter((_, i) => i % step === 0).flatMap(([x, y]) => onMap(scene.look, scene.size, x, y));
    post("lasso", { how: how(event) }, [new Float32Array(places).buffer]);
  }
  async function click(event) {
    const [px, py] = at(event), tile = tileAt(px, py);
    const position = tile ?? (await pick(px, py)).position;
    if (position != null) post("click", { position, how: how(event) });
  }
  function applyTag(name) { post("tag", { tag: name }); }
  function step(kind) { post(kind); }
  function recolor(color) { post("color", { color }); }

  function tileAt(px, py) {
    const tiles = scene.picture?.tiles ?? [];
    for (let i = tiles.length - 1; i >= 0; i--) {
      const bounds = boundTile(scene, tiles[i]);
      if (bounds && px >= bounds[0] && py >= bounds[1] && px <= bounds[0] + bounds[2] && py <= bounds[1] + bounds[3]) return tiles[i][0];
    }
    return null;
  }
  function pick(px, py, position = null) {
    const [x, y] = onMap(scene.look, scene.size, px, py);
    const reach = ((scene.picture?.radius ?? 0) + 5) * scene.look.scale;
    return new Promise((resolve) => {
      const number = ++hovering;
      replies.set(number, (content, buffers) => resolve({ ...content, data: buffers[0] }));
      post("pick", { id: number, x, y, reach, position });
    });
  }

  // --- what the pointer is over
  async function hover(px, py) {
    if (hoverNext) { hoverNext = [px, py]; return; }
    hoverNext = [px, py];
    const found = await pick(px, py, tileAt(px, py));
    const next = hoverNext, isTile = tileAt(px, py) === found.position;
    hoverNext = null;
    if (!next || drag) return;
    if (next[0] !== px || next[1] !== py) hover(...next);
    found.position == null ? hideTip() : showTip(found, isTile);
  }
  function showTip({ x, y, image_id, group, text, data, hue }, isTile) {
    scene.hover = isTile ? null : { x, y };
    URL.revokeObjectURL(tipUrl);
    tipUrl = data?.byteLength ? URL.createObjectURL(new Blob([data])) : "";
    ui.tipImage.hidden = !tipUrl;
    if (tipUrl) ui.tipImage.src = tipUrl;
    ui.tipName.textContent = visible(image_id);
    ui.tipGroup.hidden = !group;
    ui.tipGroup.style.setProperty("--swatch", hue || "transparent");
    ui.tipGroup.textContent = visible(group ?? "");
    ui.tipText.textContent = text.split("\n").map(visible).join("\n");
    ui.tip.hidden = false;
    const [px, py] = onCanvas(scene.look, scene.size, x, y), { offsetWidth: width, offsetHeight: height } = ui.tip;
    const gap = isTile ? TILE / 2 + 8 : 16;
    const left = px + gap + width <= scene.size.width ? px + gap : Math.max(4, px - gap - width);
    ui.tip.style.left = `${left}px`;
    ui.tip.style.top = `${Math.max(4, Math.min(py - height / 2, scene.size.height - height - 4))}px`;
    paint();
  }
  function hideTip() {
    hoverNext = null;
    if (ui.tip.hidden) return;
    ui.tip.hidden = true;
    scene.hover = null;
    paint();
  }

  // --- pointer and keys
  const at = (event) => { const box = ui.canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const listen = (kind, listener, options) => ui.canvas.addEventListener(kind, listener, options);
  listen("pointerdown", (event) => {
    if (event.button || !scene.look) return;
    ui.canvas.focus({ preventScroll: true });
    ui.canvas.setPointerCapture(event.pointerId);
    const [x, y] = at(event);
    drag = { x, y, last: [x, y], isMoved: false, outline: [[x, y]] };
    hideTip();
  });
  listen("pointermove", (event) => {
    const [x, y] = at(event);
    if (!drag) { if (scene.picture) hover(x, y); return; }
    drag.isMoved ||= Math.hypot(x - drag.x, y - drag.y) > 4;
    if (!drag.isMoved) return;
    if (mode === "pan") { pan(x - drag.last[0], y - drag.last[1]); drag.last = [x, y]; ui.stage.dataset.dragging = ""; return; }
    if (mode === "lasso") drag.outline.push([x, y]);
    else drag.outline = [[drag.x, drag.y], [x, drag.y], [x, y], [drag.x, y]];
    scene.drawn = drag.outline;
    paint();
  });
  const endDrag = () => { const ended = drag; drag = null; scene.drawn = null; delete ui.stage.dataset.dragging; paint(); return ended; };
  listen("pointerup", (event) => {
    const ended = endDrag();
    if (!ended) return;
    if (!ended.isMoved) click(event);
    else if (mode !== "pan") select(ended.outline, event);
  });
  listen("pointercancel", endDrag);
  listen("pointerleave", () => { if (!drag) hideTip(); });
  listen("dblclick", (event) => zoom(2, ...at(event)));
  listen("wheel", (event) => {
    if (document.activeElement !== ui.canvas && ui.root.getRootNode().activeElement !== ui.canvas && !event.ctrlKey) return showHint();
    event.preventDefault();
    if (scene.look) zoom(Math.exp(-event.deltaY * (event.deltaMode ? 16 : 1) * 0.0016), ...at(event));
  }, { passive: false });
  function showHint() {
    ui.hint.hidden = false;
    clearTimeout(hintTimer);
    hintTimer = setTimeout(() => { ui.hint.hidden = true; }, 1500);
  }

  function escape() {
    if (!ui.help.hidden) toggleHelp(false);
    else if (drag) endDrag();
    else if (told().n_selected) post("clear");
    else return false;
    return true;
  }
  const far = () => 0.15 * Math.min(scene.size.width, scene.size.height);
  const actions = {
    ArrowLeft: () => pan(far(), 0), ArrowRight: () => pan(-far(), 0), ArrowUp: () => pan(0, far()), ArrowDown: () => pan(0, -far()),
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), Home: home, l: () => setMode("lasso"), b: () => setMode("box"),
    p: () => setMode("pan"), t: toggleTiles, u: () => step("undo"), U: () => step("redo"), "?": () => toggleHelp(),
  };
  listen("keydown", (event) => {
    if (event.key === "Escape") { if (escape()) { event.preventDefault(); event.stopPropagation(); } return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const tag = /^\d$/.test(event.key) && told().tags.find((style) => style.key === event.key);
    const action = tag ? () => applyTag(tag.name) : Object.hasOwn(actions, event.key) ? actions[event.key] : null;
    if (!action || !scene.look) return;
    event.preventDefault();
    action();
  });
  ui.root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || ui.help.hidden) return;
    if (ui.help.contains(event.target)) ui.helpButton.focus();
    toggleHelp(false);
    event.stopPropagation();
  });

  // --- what the kernel tells
  function onMessage(content, buffers = []) {
    if (content.kind === "error") { ui.status.textContent = content.text; clearTimeout(patience); flying = 0; return; }
    if (content.view !== id) return;
    if (content.kind === "picture") takePicture(content, buffers);
    else if (content.kind === "tiles") takeTiles(content, buffers);
    else if (content.kind === "facts") { replies.get(content.id)?.(content, buffers); replies.delete(content.id); }
  }
  function onState() {
    const state = told();
    ui.show(state, { select: (entry, event) => post("entry", { entry, how: how(event) }) });
    scene.names = state.legend.entries;
    if (state.version !== version) { version = state.version; refresh(); }
  }
  model.on("msg:custom", onMessage);
  model.on("change:_state", onState);
  const sizes = new ResizeObserver(measure), themes = new MutationObserver(readColors);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  setMode("pan");
  onState();
  sizes.observe(ui.stage);
  return () => {
    model.off("msg:custom", onMessage);
    model.off("change:_state", onState);
    sizes.disconnect();
    themes.disconnect();
    clearTimeout(patience);
    clearTimeout(hintTimer);
    URL.revokeObjectURL(tipUrl);
    cancelAnimationFrame(frame);
    frame = -1;   // nothing is painted any more
    for (const bitmap of scene.tiles.values()) bitmap.close();
    showTwins?.();
  };
}

export default { render };
