// The images of a run: lists, filters and sorts them, and opens one with what is behind it.
//
// What is shown came from outside. It becomes text and never markup: nodes are made by `make`, which
// takes strings as text. Addresses are pictures that stand in the page, and fragments of it. What is
// chosen is kept in the fragment, so that it can be passed on: #verdict=unsafe&rule=fire&image=17
"use strict";

const PAGE = 50;
const START = {
  verdict: "", rule: "", why: "", low: "", high: "", text: "", sort: "gravity", view: "list",
  page: "1", image: "",
};
const GRAVITY = { unsafe: 3, undetermined: 2, failed: 1, safe: 0 };
const SIGNS = {
  violated: "▲", unsafe: "▲", undetermined: "?", failed: "?", clear: "✓", safe: "✓",
  yes: "✓", no: "✗", unknown: "?",
};
const MISSING = {
  gone: "The file is not where the run found it.",
  changed: "The file has changed since it was judged, and is not shown.",
  unreadable: "The file can't be read now.",
};

const at = (id) => document.getElementById(id);
const read = (id) => JSON.parse(at(id).textContent);

const { rules, obstacles, rows, traced, redacted } = read("data");
const pictures = read("pictures");
let traces = null; // Large: read when the first image is opened.

const form = at("filter");
const list = at("hits");
const dialog = at("detail");
let state = { ...START };
let hits = [];
let listed = null; // What the list was drawn for.

rows.forEach((row, index) => { row.index = index; });

// Nodes.

function make(tag, attributes, ...children) {
  const svg = ["svg", "rect", "line", "circle", "text"].includes(tag);
  const node = svg
    ? document.createElementNS(document.querySelector("svg").namespaceURI, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function badge(word) {
  const sign = make("span", { "aria-hidden": "true" }, SIGNS[word] ?? "–");
  return make("span", { class: `badge ${word}` }, sign, ` ${word}`);
}

function thumbnail(row) {
  const picture = pictures[row.index] ?? "";
  if (!picture.startsWith("data:image/jpeg;base64,")) {
    return make("span", { class: "thumb" }, picture);
  }
  return make("span", { class: "thumb" }, make("img", { class: "veiled", src: picture, alt: "" }));
}

const number = (score) => (score === undefined ? "" : score.toFixed(3));
const duration = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);
const counted = (count) => `${count.toLocaleString("en")} ${count === 1 ? "image" : "images"}`;

// What is chosen.

function fragment(change) {
  const wanted = { ...state, ...change };
  const kept = Object.keys(START).filter((name) => String(wanted[name]) !== START[name]);
  return `#${new URLSearchParams(kept.map((name) => [name, wanted[name]]))}`;
}

function follow() {
  const given = new URLSearchParams(location.hash.slice(1));
  const known = Object.keys(START).filter((name) => given.has(name));
  if (known.length === 0 && location.hash.length > 1) return false; // A place on the page.
  state = { ...START, ...Object.fromEntries(known.map((name) => [name, given.get(name)])) };
  draw();
  return true;
}

function choose(change, remember) {
  const address = fragment(change);
  if (remember) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  state = { ...state, ...change };
  draw();
}

function matches() {
  const rule = rules.findIndex((one) => one.id === state.rule);
  const why = obstacles.findIndex((one) => one.key === state.why);
  const low = Number.parseFloat(state.low);
  const high = Number.parseFloat(state.high);
  const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (places, place) => places !== undefined && places.includes(place);
  return (row) => {
    if (state.verdict === "not-safe" ? row.verdict === "safe"
      : state.verdict !== "" && row.verdict !== state.verdict) return false;
    if (state.rule !== "" && !has(row.violated, rule) && !has(row.open, rule)) return false;
    if (state.why !== "" && !has(row.obstacles, why)) return false;
    if (!Number.isNaN(low) && !(row.score >= low)) return false;
    if (!Number.isNaN(high) && !(row.score <= high)) return false;
    if (words.length === 0) return true;
    row.words ??= [row.name, row.why, row.hash, row.alias]
      .join("\n").replaceAll("\u00a0", " ").toLowerCase();
    return words.every((word) => row.words.includes(word));
  };
}

const score = (row) => row.score ?? -1;
const ORDERS = {
  gravity: (one, other) => GRAVITY[other.verdict] - GRAVITY[one.verdict] || score(other) - score(one),
  high: (one, other) => score(other) - score(one),
  low: (one, other) => (one.score ?? 2) - (other.score ?? 2),
  name: (one, other) => (one.name < other.name ? -1 : Number(one.name > other.name)),
  time: (one, other) => other.ms - one.ms,
  run: () => 0,
};

// The list.

function item(row) {
  const named = [...(row.violated ?? []), ...(row.open ?? [])].map((place) => rules[place].id);
  const because = make("span", { class: "because" });
  for (const id of named) because.append(make("code", {}, id), " ");
  because.append(make("span", { class: "why" }, row.why ?? ""));
  const link = make("a", { class: "hit", href: fragment({ image: row.index }) },
    thumbnail(row),
    make("span", { class: "what" }, badge(row.verdict), " ", make("code", {}, row.name)),
    make("span", { class: "number" }, number(row.score)),
    because);
  link.dataset.row = row.index;
  return make("li", {}, link);
}

function draw() {
  const { image, ...rest } = state;
  const wanted = JSON.stringify(rest);
  if (wanted !== listed) {
    listed = wanted;
    hits = rows.filter(matches()).sort(ORDERS[state.sort] ?? ORDERS.gravity);
    drawList();
  }
  drawDetail();
}

function drawList() {
  const pages = Math.max(1, Math.ceil(hits.length / PAGE));
  const page = Math.min(pages, Math.max(1, Number.parseInt(state.page, 10) || 1));
  state.page = String(page);
  list.className = `hits ${state.view === "grid" ? "grid" : "list"}`;
  list.start = (page - 1) * PAGE + 1;
  list.replaceChildren(...hits.slice((page - 1) * PAGE, page * PAGE).map(item));
  at("count").textContent = hits.length === rows.length
    ? counted(rows.length)
    : `${hits.length.toLocaleString("en")} of ${counted(rows.length)}`;
  at("page").textContent = `page ${page} of ${pages.toLocaleString("en")}`;
  at("pager").hidden = pages === 1;
  at("pager").querySelectorAll("button").forEach((button) => {
    const to = page + Number(button.dataset.step);
    button.disabled = to < 1 || to > pages;
  });
  for (const field of form.elements) {
    if (field.name && field.value !== state[field.name]) field.value = state[field.name];
  }
}

function turn(step) {
  const to = Number(state.page) + step;
  if (to < 1 || to > Math.ceil(hits.length / PAGE)) return;
  choose({ page: String(to) }, false);
  const links = list.querySelectorAll("a");
  links[step < 0 ? links.length - 1 : 0].focus();
}

function moveFocus(event) {
  const links = [...list.querySelectorAll("a")];
  const here = links.indexOf(document.activeElement);
  if (here < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
  const top = (link) => link.getBoundingClientRect().top;
  const across = links.filter((link) => top(link) === top(links[0])).length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
  const ends = { Home: 0, End: links.length - 1 };
  const to = event.key in steps ? here + steps[event.key] : ends[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (links[to]) links[to].focus();
  else turn(Math.sign(to - here));
}

// One image.

function facts(pairs) {
  const kept = pairs.filter(([, value]) => value !== undefined && value !== "");
  return make("dl", { class: "facts" }, ...kept.map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

// A `Scale`, as the macro of that name in pieces.html.jinja draws it.
function scale(s) {
  const svg = make("svg",
    { class: "scale", role: "img", "aria-label": s.label, width: "100%", height: "44" });
  const put = (tag, attributes, ...children) => svg.append(make(tag, attributes, ...children));
  const zone = (name, x, width) =>
    put("rect", { class: `zone ${name}`, x: `${x}%`, y: 13, width: `${width}%`, height: 12 });
  const line = (name, x, y1, y2) =>
    put("line", { class: name, x1: `${x}%`, x2: `${x}%`, y1, y2 });
  const text = (x, anchor, words) =>
    put("text", { class: "tick", x: `${x}%`, y: 40, "text-anchor": anchor }, words);
  if (s.low && s.high) {
    zone("no", 0, s.low.at);
    zone("open", s.low.at, s.band);
    zone("yes", s.high.at, s.rest);
    const tight = Number(s.band) < 10;
    if (s.low.text !== s.high.text) text(s.low.at, tight ? "end" : "middle", s.low.text);
    text(s.high.at, tight && s.low.text !== s.high.text ? "start" : "middle", s.high.text);
    for (const edge of [s.low, s.high]) line("edge", edge.at, 13, 29);
  } else {
    zone("open", 0, 100);
  }
  if (!s.low || Number(s.low.at) > 8) text(0, "start", "0");
  if (!s.high || Number(s.high.at) < 92) text(100, "end", "1");
  if (s.prior) line("prior", s.prior.at, 8, 30);
  for (const [name, mark] of [["without", s.without], ["whole", s.whole], ["m", s.m]]) {
    if (!mark) continue;
    line(name === "without" ? "fall" : "m", mark.at, 8, 27);
    put("circle", { class: name, cx: `${mark.at}%`, cy: 6, r: name === "m" ? 5 : 4 });
  }
  return svg;
}

function numbers(step) {
  const s = step.scale ?? {};
  const marks = [
    ["m", "M", s.m], ["whole", "M of the whole picture", s.whole],
    ["without", "M without the objects", s.without], ["prior", "prior", s.prior],
  ].filter(([, , mark]) => mark);
  const key = marks.map(([name, words, mark]) => make("span", {},
    make("i", { class: `dot ${name}`, "aria-hidden": "true" }), `${words} `, make("b", {}, mark.text)));
  const plain = [["score", step.score], ["Yes or No as first word", step.mass]];
  for (const [words, value] of plain) {
    if (value) key.push(make("span", {}, `${words} `, make("b", {}, value)));
  }
  return make("p", { class: "key" }, ...key);
}

function precondition(step) {
  const mark = make("span", { class: "mark", "aria-hidden": "true" }, SIGNS[step.holds]);
  const node = make("li", { class: step.holds },
    make("p", { class: "statement" }, mark, step.statement),
    make("p", { class: "decision" }, step.decision ?? "not settled"));
  if (step.scale) node.append(scale(step.scale));
  node.append(numbers(step));
  for (const note of step.notes ?? []) node.append(make("p", { class: "note" }, note));
  for (const box of step.boxes ?? []) {
    node.append(make("p", { class: "note" },
      `found ${box.object} ${box.score}: ${box.size} of the image, at ${box.place}`));
  }
  if (step.rating) {
    node.append(make("p", { class: "lead" }, "Thinking step by step, the model rated ",
      make("b", {}, step.rating), step.rationale ? ":" : "."));
  }
  if (step.rationale) node.append(make("blockquote", {}, step.rationale));
  if (step.thoughts) {
    node.append(make("details", {}, make("summary", {}, "What it thought"),
      make("blockquote", {}, step.thoughts)));
  }
  return node;
}

function judged(rule) {
  const text = rules.find((one) => one.id === rule.id)?.text;
  const head = make("div", { class: "head" }, make("h3", {}, make("code", {}, rule.id)),
    badge(rule.outcome), make("span", { class: "number" }, rule.score ? `score ${rule.score}` : ""));
  const steps = (rule.steps ?? []).map(precondition);
  const parts = [
    rule.why ? make("p", { class: "why" }, `Not settled: ${rule.why}.`) : null,
    steps.length ? make("p", { class: "lead" }, rule.lead) : null,
    steps.length ? make("ol", { class: "chain" }, ...steps) : null,
  ];
  const fold = rule.outcome === "clear" && steps.length > 0;
  const folded = () =>
    make("details", { class: "fold" }, make("summary", {}, rule.reason ?? "How it was judged"), ...parts);
  return make("article", { class: `rule ${rule.outcome}` }, head,
    text ? make("p", { class: "text" }, text) : null, ...(fold ? [folded()] : parts));
}

function figure(row, boxes) {
  const address = pictures[row.index] ?? "";
  if (!address.startsWith("data:image/jpeg;base64,")) {
    return address === "" ? null : make("p", { class: "quiet" }, MISSING[address]);
  }
  const image = make("img",
    { class: "veiled", src: address, alt: "The picture, blurred and grey until it is shown." });
  const marks = boxes.map((box) => make("rect", {
    class: box.outcome, x: `${box.left}%`, y: `${box.top}%`, width: `${box.width}%`,
    height: `${box.height}%`,
  }));
  const drawing = make("svg", { class: "boxes", "aria-hidden": "true", width: "100%", height: "100%" },
    ...marks);
  return make("figure", { class: "frame", tabindex: "0" }, image, drawing);
}

function detail(row) {
  traces ??= read("traces");
  const trace = traces[row.index];
  const far = (trace?.far ?? []).map(([id, cosine]) => (cosine ? `${id} (${cosine})` : id));
  const untraced = traced
    ? "The numbers behind this verdict were left out for size; `praetor explain` shows them."
    : "The numbers behind this verdict were not kept; judge with --trace.";
  const ids = (places) => (places ?? []).map((place) => rules[place].id).join(", ");
  return [
    figure(row, trace?.boxes ?? []),
    row.why ? make("p", { class: "sentence" }, row.why) : null,
    facts([
      ["Violated", ids(row.violated)], ["Undetermined", ids(row.open)], ["Score", number(row.score)],
      ["Time", duration(row.ms)], ["Frames judged", trace?.frames], ["Image hash", row.hash],
      ["In redacted reports", redacted ? "" : row.alias],
    ]),
    trace || row.verdict === "failed" ? null : make("p", { class: "quiet" }, untraced),
    ...(trace?.rules ?? []).map(judged),
    far.length ? make("p", { class: "quiet" },
      `Nothing to do with the image, by their nearness: ${far.join(", ")}`) : null,
  ].filter((node) => node !== null);
}

function drawDetail() {
  const row = state.image === "" ? undefined : rows[Number(state.image)];
  if (!row) {
    if (dialog.open) dialog.close();
    return;
  }
  const place = hits.indexOf(row);
  at("detail-name").replaceChildren(badge(row.verdict), " ", make("code", {}, row.name));
  at("detail-place").textContent = place < 0 ? "" : `${place + 1} of ${hits.length}`;
  at("detail-body").replaceChildren(...detail(row));
  dialog.querySelectorAll("[data-step]").forEach((button) => {
    button.disabled = place < 0 || !hits[place + Number(button.dataset.step)];
  });
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function step(by) {
  const next = hits[hits.indexOf(rows[Number(state.image)]) + by];
  if (!next) return;
  const page = Math.floor(hits.indexOf(next) / PAGE) + 1;
  choose({ image: String(next.index), page: String(page) }, false);
}

// Hands and keys.

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  choose({ [event.target.name]: event.target.value, page: "1" }, false);
});
form.addEventListener("reset", (event) => {
  event.preventDefault();
  choose({ ...START, view: state.view }, false);
});
list.addEventListener("keydown", moveFocus);
at("pager").addEventListener("click", ({ target }) => {
  if (target.dataset.step) turn(Number(target.dataset.step));
});
dialog.addEventListener("click", ({ target }) => {
  if (target === dialog || target.id === "close") dialog.close();
  else if (target.dataset.step) step(Number(target.dataset.step));
});
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(event.key === "ArrowLeft" ? -1 : 1);
});
dialog.addEventListener("close", () => {
  if (state.image === "") return;
  const { image } = state;
  choose({ image: "" }, false);
  list.querySelector(`[data-row="${Number(image)}"]`)?.focus();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input, select, textarea");
  if (event.key !== "/" || typing || dialog.open) return;
  event.preventDefault();
  form.elements.text.focus();
});
window.addEventListener("hashchange", () => {
  const before = state.image;
  if (follow() && state.image === "" && before === "") at("images").scrollIntoView();
});

at("browser").hidden = false;
if (!follow()) draw();
if (location.hash.length > 1 && state.image === "") at("images").scrollIntoView();
