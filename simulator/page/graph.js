// The call graph: who calls whom, drawn in columns from the customers to the databases.
//
// The places of the boxes depend on the calls alone, so they stand still while the figures move. A call that skips a column gets a way
// point in it, which keeps lines out of boxes; the order in a column is found by sweeping to and fro, each box to the middle of its
// neighbours.

import { keep, set, svg, write } from "./dom.js";
import { percent, rate, say } from "./words.js";

const BOX = { width: 176, height: 58 };
const COLUMN = 280;
const GAP = 26;
const BEND = 20; // the height of a way point
const LABEL = 16; // from one line of figures to the next
const SWEEPS = 12;
export const ERRORS = { some: 0.01, many: 0.1 };

export const keyOf = (program) => `${program.namespace}/${program.name}`;
export const callKey = (call) => `${keyOf(call.from)}>${keyOf(call.to)}`;

export function health(service) {
  if (service.wanted === 0) return "asleep";
  if (service.ready === 0 || service.error_ratio >= 0.5) return "down";
  return service.ready < service.wanted || service.error_ratio >= ERRORS.some ? "degraded" : "well";
}

export const weight = (call) => (call.error_ratio >= ERRORS.many ? "many" : call.error_ratio >= ERRORS.some ? "some" : "none");

function ranks(names, calls) {
  const below = new Map(names.map((name) => [name, []]));
  const called = new Set();
  for (const call of calls) {
    below.get(keyOf(call.from)).push(keyOf(call.to));
    called.add(keyOf(call.to));
  }
  const reach = (name, seen = new Set()) => {
    for (const next of below.get(name)) if (!seen.has(next)) { seen.add(next); reach(next, seen); }
    return seen;
  };
  const roots = names.filter((name) => !called.has(name));
  const first = roots.sort((a, b) => reach(b).size - reach(a).size)[0] ?? names[0];
  const rank = new Map();
  const walk = (name, depth, path) => {
    if (path.has(name) || (rank.get(name) ?? -1) >= depth) return;
    rank.set(name, depth);
    for (const next of below.get(name)) walk(next, depth + 1, new Set([...path, name]));
  };
  for (const root of [first, ...roots]) walk(root, 0, new Set());
  for (const name of names) if (!rank.has(name)) rank.set(name, 0);
  // Who is called by nobody stands right before whom it calls.
  for (const root of roots) {
    if (root !== first && below.get(root).length) rank.set(root, Math.max(Math.min(...below.get(root).map((n) => rank.get(n))) - 1, 0));
  }
  return rank;
}

// Every call as a chain of items, one in each column that it crosses.
function chains(calls, rank, columns) {
  return calls.map((call) => {
    const [from, to] = [keyOf(call.from), keyOf(call.to)];
    const chain = [from];
    for (let column = rank.get(from) + 1; column < rank.get(to); column++) {
      const point = `${callKey(call)}@${column}`;
      columns[column].push(point);
      chain.push(point);
    }
    return [...chain, to];
  });
}

function links(chained) {
  const left = new Map(), right = new Map();
  const add = (map, key, value) => map.set(key, [...(map.get(key) ?? []), value]);
  for (const chain of chained) {
    for (let index = 1; index < chain.length; index++) {
      add(right, chain[index - 1], chain[index]);
      add(left, chain[index], chain[index - 1]);
    }
  }
  return { left, right };
}

function order(columns, { left, right }) {
  const place = new Map();
  const note = (column) => column.forEach((item, index) => place.set(item, (index + 0.5) / column.length));
  columns.forEach(note);
  const middle = (item, side) => {
    const near = (side.get(item) ?? []).map((each) => place.get(each));
    return near.length ? near.reduce((sum, each) => sum + each, 0) / near.length : place.get(item);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const side = sweep % 2 ? right : left;
    for (const column of sweep % 2 ? [...columns].reverse() : columns) {
      const wish = new Map(column.map((item) => [item, middle(item, side)]));
      column.sort((a, b) => wish.get(a) - wish.get(b));
      note(column);
    }
  }
}

function heights(columns, names, { left, right }) {
  const size = (item) => (names.has(item) ? BOX.height : BEND);
  const y = new Map();
  const total = (column) => column.reduce((sum, item) => sum + size(item) + GAP, -GAP);
  const height = Math.max(...columns.map(total));
  for (const column of columns) {
    let top = (height - total(column)) / 2;
    for (const item of column) { y.set(item, top + size(item) / 2); top += size(item) + GAP; }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) for (const column of columns) settle(column, size, height, y, left, right);
  return { y, height };
}

// Each item as near to its neighbours as its place in the column allows.
function settle(column, size, height, y, left, right) {
  const wish = column.map((item) => {
    const near = [...(left.get(item) ?? []), ...(right.get(item) ?? [])].map((each) => y.get(each));
    return near.length ? near.reduce((sum, each) => sum + each, 0) / near.length : y.get(item);
  });
  let floor = 0;
  column.forEach((item, index) => {
    const half = size(item) / 2;
    wish[index] = Math.max(wish[index], floor + half);
    floor = wish[index] + half + GAP;
  });
  let ceiling = height;
  for (let index = column.length - 1; index >= 0; index--) {
    const half = size(column[index]) / 2;
    wish[index] = Math.min(wish[index], ceiling - half);
    ceiling = wish[index] - half - GAP;
  }
  column.forEach((item, index) => y.set(item, wish[index]));
}

export function layout(services, calls) {
  const drawn = calls.filter((call) => keyOf(call.from) !== keyOf(call.to));
  const names = [...new Set(drawn.flatMap((call) => [keyOf(call.from), keyOf(call.to)]))];
  if (!names.length) return null;
  const rank = ranks(names, drawn);
  const columns = Array.from({ length: Math.max(...rank.values()) + 1 }, () => []);
  for (const name of names) columns[rank.get(name)].push(name);
  const forward = drawn.filter((call) => rank.get(keyOf(call.from)) < rank.get(keyOf(call.to)));
  const chained = chains(forward, rank, columns);
  const near = links(chained);
  order(columns, near);
  const { y, height } = heights(columns, new Set(names), near);
  const x = new Map(columns.flatMap((column, index) => column.map((item) => [item, index * COLUMN + BOX.width / 2])));
  const places = new Map(names.map((name) => [name, { x: x.get(name), y: y.get(name) }]));
  const routes = new Map(forward.map((call, index) => [callKey(call), chained[index].map((item) => ({ x: x.get(item), y: y.get(item) }))]));
  return { places, routes, width: (columns.length - 1) * COLUMN + BOX.width, height };
}

// Level over the width of a column that it crosses, a soft bend in the gap to the next.
function line(points) {
  const half = BOX.width / 2;
  const last = points.length - 1;
  let path = `M${points[0].x + half} ${points[0].y}`;
  for (let index = 1; index <= last; index++) {
    const from = { x: points[index - 1].x + half, y: points[index - 1].y };
    const to = { x: points[index].x - half - (index === last ? 5 : 0), y: points[index].y };
    const bend = (to.x - from.x) * 0.55;
    path += ` C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
    if (index < last) path += ` H${points[index].x + half}`;
  }
  return { path, label: { x: (points[0].x + points[1].x) / 2, y: (points[0].y + points[1].y) / 2 } };
}

const mean = (labels) => labels.reduce((sum, each) => sum + each.y, 0) / labels.length;

// Labels that would lie on one another are moved apart until each can be read.
function apart(labels) {
  const gaps = new Map();
  for (const label of labels) gaps.set(label.x, [...(gaps.get(label.x) ?? []), label]);
  for (const gap of gaps.values()) {
    gap.sort((a, b) => a.y - b.y);
    const middle = mean(gap);
    for (let index = 1; index < gap.length; index++) gap[index].y = Math.max(gap[index].y, gap[index - 1].y + LABEL);
    const drift = mean(gap) - middle;
    for (const label of gap) label.y -= drift;
  }
  return new Map(labels.map((label) => [label.key, label]));
}

export class Graph {
  constructor(parent, choose) {
    this.choose = choose;
    this.lines = svg("g", { class: "lines" });
    this.labels = svg("g", { class: "labels", "aria-hidden": "true" });
    this.boxes = svg("g", { class: "boxes" });
    const heads = ["none", "some", "many"].map((kind) =>
      svg("marker", { id: `head-${kind}`, class: `head ${kind}`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" },
        svg("path", { d: "M0 0.8 L7 4 L0 7.2z" })));
    this.root = svg("svg", { role: "group" }, svg("defs", {}, ...heads), this.lines, this.labels, this.boxes);
    parent.append(this.root);
    this.shape = "";
  }

  show(state, chosen, everyNumber) {
    const shape = state.calls.map(callKey).sort().join();
    if (shape !== this.shape) this.place(state, shape);
    if (!this.laid) return;
    set(this.root, "aria-label", say("graph"));
    const known = new Map(state.services.map((each) => [keyOf(each), each]));
    const calls = state.calls.filter((call) => this.laid.routes.has(callKey(call)));
    const touches = (call) => chosen && (keyOf(call.from) === chosen || keyOf(call.to) === chosen);
    keep(this.lines, calls, callKey, () => svg("path"), (path, call) => {
      set(path, "d", line(this.laid.routes.get(callKey(call))).path);
      set(path, "class", `${weight(call)}${chosen ? (touches(call) ? " near" : " far") : ""}`);
      set(path, "stroke-width", (1.2 + Math.min(Math.log10(1 + call.rps), 2.4) * 0.9).toFixed(2));
      set(path, "marker-end", `url(#head-${weight(call)})`);
    });
    const told = calls.filter((call) => touches(call) || (!chosen && (everyNumber || weight(call) !== "none")));
    const spots = apart(told.map((call) => ({ key: callKey(call), ...line(this.laid.routes.get(callKey(call))).label })));
    keep(this.labels, told, callKey, () => svg("text"), (text, call) => {
      const label = spots.get(callKey(call));
      set(text, "x", label.x); set(text, "y", label.y + 4); set(text, "class", weight(call));
      write(text, say("rate", { n: rate(call.rps) }) + (weight(call) === "none" ? "" : ` · ${percent(call.error_ratio)}`));
    });
    const drawn = [...this.laid.places.keys()].map((key) => known.get(key) ?? absent(key));
    keep(this.boxes, drawn, keyOf, (service) => this.box(service), (box, service) => this.fill(box, service, chosen));
  }

  place(state, shape) {
    this.shape = shape;
    this.laid = layout(state.services, state.calls);
    if (this.laid) set(this.root, "viewBox", `-8 -8 ${this.laid.width + 16} ${this.laid.height + 16}`);
  }

  box(service) {
    const key = keyOf(service);
    const box = svg("g", { tabindex: 0, role: "button", "data-testid": `service-${service.name}` },
      svg("rect", { class: "frame", width: BOX.width, height: BOX.height, rx: 10 }),
      svg("rect", { class: "mark", x: 0, y: 10, width: 4, height: BOX.height - 20, rx: 2 }),
      svg("text", { class: "name", x: 14, y: 23 }),
      svg("g", { class: "pods", transform: "translate(14 38)" }),
      svg("text", { class: "figures", x: BOX.width - 12, y: 45 }));
    box.addEventListener("click", () => this.choose(key));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.choose(key); }
    });
    return box;
  }

  fill(box, service, chosen) {
    const key = keyOf(service), place = this.laid.places.get(key), state = health(service);
    set(box, "transform", `translate(${place.x - BOX.width / 2} ${place.y - BOX.height / 2})`);
    set(box, "class", `box ${state}${chosen === key ? " chosen" : ""}`);
    set(box, "aria-pressed", chosen === key ? "true" : "false");
    set(box, "data-health", state);
    const pods = say("pods_ready", service);
    set(box, "aria-label", [service.name, say(state), pods, say("rate_long", { n: rate(service.rps) }), say("errors_long", { n: percent(service.error_ratio) })].join(", "));
    const [, , name, dots, figures] = box.children;
    write(name, service.name.length > 21 ? `${service.name.slice(0, 20)}…` : service.name);
    const count = Math.max(service.ready, service.wanted);
    const shown = count > 7 ? [] : Array.from({ length: count }, (_, index) => index);
    keep(dots, shown, (index) => index, (index) => svg("circle", { cx: 4 + index * 12, cy: 3, r: 4 }), (dot, index) =>
      set(dot, "class", index < service.ready ? "ready" : "wanted"));
    const failing = service.error_ratio >= ERRORS.some ? ` · ${percent(service.error_ratio)}` : "";
    write(figures, `${count > 7 || count === 0 ? `${service.ready}/${service.wanted}  ` : ""}${say("rate", { n: rate(service.rps) })}${failing}`);
  }
}

function absent(key) {
  const [namespace, name] = key.split("/");
  return { namespace, name, rps: 0, error_ratio: 0, ready: 0, wanted: 1 };
}
