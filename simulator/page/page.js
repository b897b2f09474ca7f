// The page's heart: one question every two seconds, and every panel brought up to date in place.

import { at, el, keep, set, svg, write } from "./dom.js";
import { ask, change, Refused } from "./door.js";
import { Graph, callKey, health, keyOf, weight } from "./graph.js";
import { faultName } from "./faults.js";
import { InjectForm } from "./inject.js";
import { Scenarios } from "./scenarios.js";
import * as words from "./words.js";

const { say, rate, percent, seconds, timeOf } = words;
const EVERY = 2_000;
const SPEEDS = [1, 2, 5, 10, 30, 60, 300];
const REMEMBERED = 150; // looks at the edge that the small curves show

let state = null;
let chosen = "";
let looks = [];
let looking = null;
const revealed = new Set();
const graph = new Graph(at("graph"), choose);
const form = new InjectForm(at("inject"), look);
const scenarios = new Scenarios(at("scenarios-card"), look);

function choose(key) {
  chosen = chosen === key ? "" : key;
  show();
}

// One look at a time; whoever asks while one is on its way gets the next.
async function look() {
  while (looking) await looking;
  looking = lookOnce();
  await looking;
}

async function lookOnce() {
  try {
    state = await ask("/-/state");
    remember(state);
    at("lost").hidden = true;
    document.body.classList.remove("stale");
    if (!form.faults.length) await begin();
    show();
  } catch (failure) {
    at("lost").hidden = false;
    write(at("lost"), state ? say("lost", { at: timeOf(state.now) }) : say("lost_first"));
    document.body.classList.add("stale");
    if (!(failure instanceof TypeError || failure instanceof DOMException || failure instanceof Refused)) throw failure;
  } finally {
    looking = null;
  }
}

async function begin() {
  await form.load();
  await scenarios.load();
  words.translate();
}

function remember({ now, edge }) {
  if (looks.at(-1)?.now === now) looks.pop();
  looks = [...looks, { now, ...edge }].slice(-REMEMBERED);
}

function show() {
  if (!state) return;
  showClock();
  showVerdict();
  showEdge();
  graph.show(state, chosen, at("numbers").checked);
  showServices();
  showDetail();
  showFaults();
  showEvents();
  showNodes();
  showCommands();
  scenarios.show(state.playing ?? []);
}

function showClock() {
  write(at("now"), `${state.now.slice(0, 10)} ${timeOf(state.now)} UTC`);
  set(at("now"), "datetime", state.now);
  write(at("pace"), state.speed > 0 ? say("pace", { n: state.speed }) : say("paused"));
  write(at("pause"), say(state.speed > 0 ? "pause" : "run"));
  const speeds = SPEEDS.includes(state.speed) || state.speed === 0 ? SPEEDS : [...SPEEDS, state.speed].sort((a, b) => a - b);
  keep(at("speed"), speeds, String, (speed) => el("option", { value: speed }), (option, speed) => write(option, `${speed}×`));
  if (document.activeElement !== at("speed") && state.speed > 0) at("speed").value = String(state.speed);
}

function showVerdict() {
  const ill = state.services.filter((each) => ["degraded", "down"].includes(health(each)));
  const nodes = state.nodes.filter((each) => each.name);
  const sickNodes = nodes.filter((each) => !each.ready || each.conditions.some((one) => !one.good));
  const worst = ill.some((each) => health(each) === "down") || nodes.some((each) => !each.ready) ? "down" : ill.length || sickNodes.length ? "degraded" : "well";
  set(at("verdict"), "data-health", worst);
  const head = ill.length === 1 ? "trouble_one" : ill.length ? "trouble" : sickNodes.length ? "node_trouble" : "all_well";
  write(at("verdict-head"), say(head, { n: ill.length }));
  const ready = state.services.reduce((sum, each) => sum + each.ready, 0);
  const names = [...ill.map((each) => each.name), ...sickNodes.map((each) => each.name)].join(words.language() === "zh" ? "、" : ", ");
  write(at("verdict-more"), names || say("all_well_more", { services: state.services.length, pods: ready, nodes: nodes.length }));
}

function showEdge() {
  write(at("edge-rps"), rate(state.edge.rps));
  write(at("edge-errors"), percent(state.edge.error_ratio));
  write(at("edge-p95"), seconds(state.edge.p95_seconds));
  set(at("edge-errors"), "class", weight(state.edge));
  spark(at("spark-rps"), looks.map((each) => each.rps), 1);
  spark(at("spark-errors"), looks.map((each) => each.error_ratio), 0.02);
  spark(at("spark-p95"), looks.map((each) => each.p95_seconds ?? 0), 0.1);
  const queues = Object.entries(state.queues);
  keep(at("queues"), queues, ([name]) => name, ([name]) => el("li", {}, el("span", {}, name), el("b")), (item, [, n]) =>
    write(item.lastChild, say("waiting", { n: words.number(n) })));
}

function spark(canvas, values, least) {
  const top = Math.max(...values, least) * 1.1;
  const x = (index) => (values.length > 1 ? (index * 100) / (values.length - 1) : 100);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${(26 - (24 * value) / top).toFixed(1)}`);
  set(canvas, "viewBox", "0 0 100 28");
  set(canvas, "preserveAspectRatio", "none");
  keep(canvas, ["fill", "line"], (each) => each, (each) => svg(each === "fill" ? "polygon" : "polyline", { class: each }), (node, each) =>
    set(node, "points", each === "fill" ? [...points, "100,28", "0,28"].join(" ") : points.join(" ")));
}

function showServices() {
  const make = (service) => {
    const button = el("button", { type: "button", class: "service" }, el("span", { class: "dot" }), el("span", { class: "name" }, service.name), el("span", { class: "dim" }), el("span", { class: "figures" }));
    button.addEventListener("click", () => choose(keyOf(service)));
    return el("li", {}, button);
  };
  const drawn = new Set(state.calls.flatMap((call) => [keyOf(call.from), keyOf(call.to)]));
  const shopFirst = [...state.services].sort((a, b) => drawn.has(keyOf(b)) - drawn.has(keyOf(a)));
  keep(at("services"), shopFirst, keyOf, make, (item, service) => {
    const button = item.firstChild, key = keyOf(service);
    set(item, "class", drawn.has(key) ? "drawn" : "");
    set(button, "data-health", health(service));
    set(button, "aria-pressed", chosen === key ? "true" : "false");
    write(button.children[2], say("pods_ready", service));
    const failing = weight(service) === "none" ? "" : ` · ${percent(service.error_ratio)}`;
    write(button.children[3], service.rps || failing ? say("rate", { n: rate(service.rps) }) + failing : say(health(service)));
  });
}

function showDetail() {
  const service = state.services.find((each) => keyOf(each) === chosen);
  at("detail").hidden = !service;
  if (!service) return;
  const pods = state.nodes.flatMap((node) => node.pods.map((pod) => ({ ...pod, node: node.name }))).filter((pod) => pod.namespace === service.namespace && belongs(pod.name, service));
  keep(at("detail"), [service], keyOf, makeDetail, (box) => {
    const [head, grid] = box.children;
    set(head.firstChild, "data-health", health(service));
    write(head.children[2], `${service.kind} · ${service.namespace} · ${say(health(service))} · ${say("pods_ready", service)} · p95 ${seconds(service.p95_seconds)}`);
    write(head.lastChild, say("close"));
    const [ins, outs, own] = grid.children;
    callList(ins, "calls_in", state.calls.filter((call) => keyOf(call.to) === chosen), (call) => call.from);
    callList(outs, "calls_out", state.calls.filter((call) => keyOf(call.from) === chosen), (call) => call.to);
    write(own.firstChild, say("pods"));
    keep(own.lastChild, pods, (pod) => pod.name, podItem, fillPod);
  });
}

// A pod is named after its workload, with one or two parts more.
function belongs(pod, service) {
  return pod.startsWith(`${service.name}-`) && pod.slice(service.name.length + 1).split("-").length <= 2 &&
    !state.services.some((other) => other.name.length > service.name.length && pod.startsWith(`${other.name}-`));
}

function makeDetail(service) {
  const close = el("button", { type: "button", class: "plain" });
  close.addEventListener("click", () => {
    const box = at("graph").querySelector(`[data-testid="service-${CSS.escape(service.name)}"]`);
    choose(chosen);
    box?.focus();
  });
  const part = () => el("div", {}, el("h4"), el("ul"));
  return el("div", {}, el("div", { class: "detail-head" }, el("span", { class: "dot" }), el("h3", {}, service.name), el("span", { class: "dim" }), close), el("div", { class: "detail-grid" }, part(), part(), part()));
}

function callList(part, word, calls, other) {
  part.hidden = !calls.length;
  write(part.firstChild, say(word));
  keep(part.lastChild, calls, callKey, (call) => el("li", {}, el("span", {}, other(call).name), el("span", { class: "figures" })), (item, call) => {
    set(item, "class", weight(call));
    write(item.lastChild, `${say("rate", { n: rate(call.rps) })} · ${percent(call.error_ratio)} · p95 ${seconds(call.p95_seconds)}`);
  });
}

const podItem = (pod) => el("li", { class: "pod" }, el("span", { class: "dot" }), el("span", { class: "name" }, pod.name), el("span", { class: "dim" }));

function podHealth(pod) {
  if (["Succeeded", "Completed"].includes(pod.says)) return "asleep";
  return pod.ready === pod.containers ? "well" : /BackOff|Err|Error|OOMKilled|Failed|Evicted|Unknown/.test(pod.says) ? "down" : "degraded";
}

function fillPod(item, pod) {
  set(item, "data-health", podHealth(pod));
  const restarts = pod.restarts ? ` · ${say("restarts", { n: pod.restarts })}` : "";
  write(item.lastChild, `${pod.ready}/${pod.containers} · ${pod.says}${restarts}`);
}

function showFaults() {
  at("no-faults").hidden = state.faults.length > 0;
  keep(at("faults"), state.faults, (each) => each.id, makeFault, (item, fault) => {
    const [head, answer] = item.children;
    set(item, "data-healed", String(fault.healed));
    write(head.children[0], say(fault.healed ? "healed" : "unhealed"));
    write(head.children[1], `${fault.id} · ${say("injected", { at: timeOf(fault.injected_at) })}`);
    const open = revealed.has(fault.id);
    write(head.children[2], say(open ? "hide" : "reveal"));
    set(head.children[2], "aria-expanded", String(open));
    write(head.children[3], say("remove"));
    answer.hidden = !open;
    keep(answer, open ? answers(fault) : [], ([word]) => word, () => el("div", {}, el("dt"), el("dd")), (row, [word, text]) => {
      write(row.firstChild, say(word));
      write(row.lastChild, text);
    });
  });
}

function answers(fault) {
  const place = (each) => `${each.kind} ${each.namespace ? `${each.namespace}/` : ""}${each.name}`;
  const listed = form.faults.find((each) => each.id === fault.fault);
  const params = Object.entries(fault.params).map(([name, value]) => `${name}=${value}`).join(", ");
  return [
    ["answer_fault", `${faultName(fault.fault, words.language())} (${fault.fault})`],
    ["answer_title", listed?.title ?? fault.title],
    ["answer_target", place(fault.target)],
    ["answer_component", place(fault.component)],
    ["answer_change", fault.change],
    ["answer_repairs", (listed?.repairs ?? []).map((each) => say(each)).join(words.language() === "zh" ? "；" : "; ")],
    ...(params ? [["answer_params", params]] : []),
  ];
}

function makeFault(fault) {
  const reveal = el("button", { type: "button", class: "plain", "data-testid": "reveal" });
  reveal.addEventListener("click", () => {
    if (!revealed.delete(fault.id)) revealed.add(fault.id);
    show();
  });
  const remove = el("button", { type: "button", class: "plain", "data-testid": "remove" });
  remove.addEventListener("click", () => attempt(form.error, async () => {
    await change("DELETE", `/-/faults/${encodeURIComponent(fault.id)}`);
    write(at("said"), say("removed"));
  }));
  return el("li", { class: "fault" }, el("div", { class: "fault-head" }, el("span", { class: "pill" }), el("span", { class: "dim" }), reveal, remove), el("dl", { hidden: true }));
}

function showEvents() {
  at("no-events").hidden = state.events.length > 0;
  at("events").hidden = !state.events.length;
  const make = (event) => el("li", {}, el("div", { class: "event-head" }, el("time"), el("b", {}, event.reason), el("span", { class: "dim" }, `${event.kind} ${event.namespace ? `${event.namespace}/` : ""}${event.name}`), el("span", { class: "count" })), el("p", {}, event.message));
  keep(at("events"), state.events, (each) => [each.kind, each.namespace, each.name, each.reason, each.message].join("\n"), make, (item, event) => {
    write(item.firstChild.firstChild, timeOf(event.at));
    write(item.firstChild.lastChild, event.count > 1 ? say("times", { n: words.number(event.count) }) : "");
  });
}

function showNodes() {
  const make = (node) => el("div", { class: "card node" }, el("div", { class: "node-head" }, el("span", { class: "dot" }), el("h3", {}, node.name), el("span", { class: "dim" })), el("ul", { class: "chips" }), el("ul", { class: "pods" }));
  keep(at("nodes"), state.nodes, (each) => each.name, make, (card, node) => {
    const [head, chips, pods] = card.children;
    const bad = (node.conditions ?? []).filter((each) => !each.good);
    set(card, "data-health", !node.name ? "degraded" : !node.ready ? "down" : bad.length ? "degraded" : "well");
    if (!node.name) write(head.children[1], say("no_node"));
    write(head.lastChild, node.name ? say(node.ready ? "ready" : "not_ready") : "");
    const told = [...bad.map((each) => `${each.type}: ${each.reason || each.status}`), ...(node.cordoned ? [say("cordoned")] : []), ...(node.taints ?? [])];
    keep(chips, told, (each) => each, (each) => el("li", {}, each));
    keep(pods, node.pods, (pod) => `${pod.namespace}/${pod.name}`, podItem, fillPod);
  });
}

function showCommands() {
  const here = location.origin;
  const lines = [
    `curl -s ${here}/-/kubeconfig > kubeconfig`,
    "kubectl --kubeconfig kubeconfig get pods -A",
    "kubectl --kubeconfig kubeconfig get events -A --field-selector type=Warning",
    `curl -s '${here}/prometheus/api/v1/query?query=up'`,
    `curl -s -X POST -H 'Content-Type: application/json' -d '{}' ${here}/-/faults`,
    `curl -s -X POST -H 'Content-Type: application/json' -d '{"advance": 600}' ${here}/-/clock`,
  ];
  keep(at("commands"), lines, (each) => each, makeCommand, (item) => write(item.lastChild, say("copy")));
}

function makeCommand(line) {
  const copy = el("button", { type: "button", class: "plain" });
  const code = el("code", {}, line);
  copy.addEventListener("click", async () => {
    // Only a page from this machine or over TLS has a clipboard; elsewhere the line is marked for the reader to copy.
    getSelection().selectAllChildren(code);
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(line);
      write(at("said"), say("copied"));
      write(copy, "✓");
    }
  });
  return el("li", {}, code, copy);
}

async function attempt(where, work) {
  write(where, "");
  try {
    await work();
  } catch (failure) {
    write(where, failure.message);
  }
  await look();
}

async function wind(body, button) {
  button.disabled = true;
  write(at("said"), say("winding"));
  await attempt(at("clock-error"), () => change("POST", "/-/clock", body));
  button.disabled = false;
  button.focus();
}

function listen() {
  at("language").addEventListener("click", () => { words.change(); relabel(); show(); });
  at("numbers").addEventListener("change", show);
  at("pause").addEventListener("click", () => wind({ speed: state?.speed > 0 ? 0 : Number(at("speed").value) }, at("pause")));
  at("speed").addEventListener("change", () => wind({ speed: Number(at("speed").value) }, at("speed")));
  for (const button of document.querySelectorAll("[data-wind]")) {
    button.addEventListener("click", () => wind({ advance: Number(button.dataset.wind) }, button));
  }
}

function relabel() {
  words.translate();
  for (const option of document.querySelectorAll("[data-fault]")) write(option, faultName(option.dataset.fault, words.language()));
  scenarios.relabel();
  write(at("language"), say("other_language"));
}

words.recall();
relabel();
write(at("verdict-head"), say("loading"));
listen();
await look();
for (;;) {
  await new Promise((done) => setTimeout(done, EVERY));
  if (!document.hidden || !state) await look();
}
