// Shared by all widgets of fastdup_nb: joined in front of their own module, without a bundler.

const views = new Map();   // model id -> how many of its views live

/** Hide the static twins of a widget while any view of it lives; returns the function that ends that for one view. */
function hideTwins(modelId) {
  const display = (value) => {
    for (const twin of document.querySelectorAll(`.fdnb-twin-${CSS.escape(modelId)}`))
      (twin.closest(".jp-OutputArea-child, .output_area, .cell-output, .output_subarea") ?? twin).style.display = value;
  };
  views.set(modelId, (views.get(modelId) ?? 0) + 1);
  display("none");
  return () => {
    views.set(modelId, views.get(modelId) - 1);
    if (views.get(modelId) === 0) { views.delete(modelId); display(""); }
  };
}

/** The same before there is a view, so that a twin that is about to come does not flash up. */
function hideComingTwins(modelId) {
  const style = make("style", { text: `.fdnb-twin-${CSS.escape(modelId)} { display: none; }` });
  document.head.append(style);
  return () => style.remove();
}

/** Keep the keys of a focused widget from the notebook's shortcuts; Tab and Escape may leave it. */
function keepKeys(root) {
  const mark = (element) => { element.dataset.lmSuppressShortcuts = "true"; };
  mark(root);
  root.addEventListener("focusin", (event) => mark(event.target));   // a shortcut of whatever has the focus is looked up there first
  for (const kind of ["keydown", "keyup", "keypress"])
    root.addEventListener(kind, (event) => { if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation(); });
}

/** Write characters that cannot be seen, or that turn what follows them, as escapes: no name shall look like another. */
function visible(text) {
  return String(text).replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (letter) => {
    const code = letter.codePointAt(0).toString(16);
    return { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[letter]
      ?? (code.length <= 2 ? `\\x${code.padStart(2, "0")}` : code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`);
  });
}

const SEEN = new Set(["title", "alt", "aria-label", "placeholder"]);

/** Make an element: make("div", {class: "x", text: "shown as text", onclick: f}, child, ...). */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = visible(value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : SEEN.has(name) ? visible(value) : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}
