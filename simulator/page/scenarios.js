// Scenarios that the simulator has: start one, see how far it has come, and read its answer when one has found it.

import { el, keep, set, write } from "./dom.js";
import { Refused, ask, change } from "./door.js";
import { faultName } from "./faults.js";
import { language, say, timeOf } from "./words.js";

export class Scenarios {
  constructor(card, after) {
    this.card = card;
    this.after = after;
    this.listed = [];
    this.answers = new Map();
    this.form = card.querySelector("form");
    this.said = card.querySelector("#scenarios-said");
    this.select = el("select", { "aria-labelledby": "scenarios-title", "data-testid": "scenario" });
    this.playing = el("ul", { class: "faults", "data-testid": "playing" });
    this.form.append(this.select, el("button", { class: "main", "data-word": "start", "data-testid": "start" }));
    this.form.after(this.playing);
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.start(); });
  }

  // A simulator without scenarios has no such door, and the page no such card.
  async load() {
    try {
      this.listed = (await ask("/-/scenarios")).scenarios;
    } catch (failure) {
      if (!(failure instanceof Refused)) throw failure;
    }
    this.card.hidden = !this.listed.length;
    this.select.replaceChildren(...this.listed.map((each) => el("option", { value: each.id })));
    this.relabel();
  }

  title(id) {
    const found = this.listed.find((each) => each.id === id);
    return found?.title?.[language()] ?? id;
  }

  relabel() {
    for (const option of this.select.options) write(option, this.title(option.value));
  }

  async start() {
    write(this.said, "");
    try {
      await change("POST", "/-/scenarios", { scenario: this.select.value });
      write(this.said, say("started"));
    } catch (failure) {
      write(this.said, failure.message);
    }
    await this.after();
  }

  show(playing) {
    keep(this.playing, playing, (each) => each.id, (each) => this.item(each), (item, play) => {
      const [head, answer] = item.children;
      write(head.children[0], this.title(play.id));
      write(head.children[1], say("until", { from: timeOf(play.began), to: timeOf(play.ends) }));
      const told = this.answers.get(play.id);
      write(head.children[2], say(told ? "hide" : "reveal"));
      set(head.children[2], "aria-expanded", String(Boolean(told)));
      answer.hidden = !told;
      write(answer, told ? this.worded(told) : "");
    });
  }

  item(play) {
    const reveal = el("button", { type: "button", class: "plain" });
    reveal.addEventListener("click", () => this.reveal(play.id));
    return el("li", { class: "fault" }, el("div", { class: "fault-head" }, el("b"), el("span", { class: "dim" }), reveal), el("p", { class: "dim" }));
  }

  async reveal(id) {
    if (!this.answers.delete(id)) {
      try {
        this.answers.set(id, (await ask(`/-/scenarios/${encodeURIComponent(id)}`)).answer);
      } catch (failure) {
        write(this.said, failure.message);
      }
    }
    await this.after();
  }

  worded(answer) {
    if (!Array.isArray(answer)) return say("nothing_wrong");
    const place = ({ kind, namespace, name }) => `${kind} ${namespace ? `${namespace}/` : ""}${name}`;
    return answer.map((each) => `${faultName(each.fault, language())} (${each.fault}): ${place(each.component)}`).join("; ");
  }
}
