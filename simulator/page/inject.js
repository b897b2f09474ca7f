// The form that breaks something: category, fault, a target that the simulator says it suits, and the fault's own parameters.

import { el, set, write } from "./dom.js";
import { ask, change } from "./door.js";
import { faultName } from "./faults.js";
import { language, say } from "./words.js";

export class InjectForm {
  constructor(form, after) {
    this.form = form;
    this.after = after;
    this.faults = [];
    this.category = el("select", { id: "category", "data-testid": "category" });
    this.fault = el("select", { id: "fault", "data-testid": "fault" });
    this.target = el("select", { id: "target", "data-testid": "target" });
    this.title = el("p", { class: "dim fault-title", id: "fault-title" });
    set(this.fault, "aria-describedby", "fault-title");
    this.params = el("div", { class: "params" });
    this.error = el("p", { class: "error", role: "alert", "data-testid": "inject-error" });
    this.said = el("p", { class: "dim", role: "status", "data-testid": "inject-said" });
    this.command = el("code", { "data-testid": "inject-command" });
    form.append(
      el("h3", { "data-word": "inject" }),
      field("category", this.category), field("fault", this.fault, this.title), field("target", this.target), this.params,
      el("div", { class: "row" },
        el("button", { class: "main", "data-word": "submit", "data-testid": "submit" }),
        el("button", { type: "button", id: "surprise", "data-word": "surprise", "data-testid": "surprise" })),
      this.error, this.said,
      el("pre", { class: "command" }, this.command));
    this.category.addEventListener("change", () => this.offerFaults());
    this.fault.addEventListener("change", () => this.offerTargets());
    form.addEventListener("input", () => this.showCommand());
    form.addEventListener("submit", (event) => { event.preventDefault(); this.send(this.body(), "done"); });
    form.querySelector("#surprise").addEventListener("click", () => this.send({}, "surprised"));
  }

  async load() {
    this.faults = (await ask("/-/faults/catalogue")).faults;
    const categories = [...new Set(this.faults.map((each) => each.category))];
    this.category.replaceChildren(...categories.map((each) => el("option", { value: each, "data-word": each }, say(each))));
    await this.offerFaults();
  }

  async offerFaults() {
    const listed = this.faults.filter((each) => each.category === this.category.value);
    this.fault.replaceChildren(...listed.map((each) => el("option", { value: each.id, "data-fault": each.id }, faultName(each.id, language()))));
    await this.offerTargets();
  }

  chosen() {
    return this.faults.find((each) => each.id === this.fault.value);
  }

  async offerTargets() {
    const fault = this.chosen();
    write(this.error, "");
    write(this.title, fault?.title ?? "");
    this.params.replaceChildren(...(fault?.params ?? []).map(parameter));
    if (!fault) return;
    try {
      const { targets } = await ask(`/-/faults/catalogue/${encodeURIComponent(fault.id)}/targets`);
      if (this.chosen() !== fault) return;
      this.showTargets(targets);
    } catch (failure) {
      write(this.error, failure.message);
    }
    this.showCommand();
  }

  showTargets(targets) {
    const before = this.target.value;
    const any = el("option", { value: "", "data-word": targets.length ? "any_target" : "no_target" }, say(targets.length ? "any_target" : "no_target"));
    this.target.replaceChildren(any, ...targets.map((each) =>
      el("option", { value: JSON.stringify(each) }, `${each.kind} ${each.namespace ? `${each.namespace}/` : ""}${each.name}`)));
    const values = [...this.target.options].map((each) => each.value);
    this.target.value = values.includes(before) ? before : (values[1] ?? "");
  }

  body() {
    const params = {};
    for (const input of this.params.querySelectorAll("input")) {
      if (input.value !== "") params[input.name] = valueOf(input);
    }
    const target = this.target.value ? { target: JSON.parse(this.target.value) } : {};
    return { fault: this.fault.value, ...target, ...(Object.keys(params).length ? { params } : {}) };
  }

  showCommand() {
    write(this.command, `curl -X POST -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(this.body()))} ${location.origin}/-/faults`);
  }

  async send(body, word) {
    write(this.error, "");
    write(this.said, "");
    set(this.form, "aria-busy", "true");
    try {
      await change("POST", "/-/faults", body);
      write(this.said, say(word));
      await this.after();
    } catch (failure) {
      write(this.error, failure.message);
    }
    set(this.form, "aria-busy", null);
  }
}

function field(word, input, more) {
  return el("label", { class: "field" }, el("span", { "data-word": word }, say(word)), input, more);
}

function parameter(listed) {
  const input = el("input", { name: listed.name, placeholder: listed.default, "data-kind": listed.type, "aria-describedby": `help-${listed.name}` });
  if (listed.type !== "text") input.inputMode = "decimal";
  return el("label", { class: "field" }, el("span", {}, listed.name), input, el("small", { id: `help-${listed.name}`, class: "dim" }, listed.help));
}

// What is no number is sent as it stands, and the server says what is wrong with it.
function valueOf(input) {
  const value = Number(input.value);
  return input.dataset.kind === "text" || Number.isNaN(value) ? input.value : value;
}

export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
