// Builds a sign-up form in a foreign page from its description, and shows the answer in it. The page gives it its looks: only what
// must not be seen is hidden here, as style sheets and style attributes of ours may be forbidden there.
let forms = 0;

export function buildForm(known) {
  const prefix = `yanshu-${++forms}`;
  const form = element("form", { className: "yanshu-form", method: "post", action: known.url, noValidate: true });
  form.lang = known.language;
  form.dir = known.direction;
  if (known.title) form.append(element("h2", { textContent: known.title, dir: "auto" }));
  if (known.intro) form.append(...paragraphs(known.intro));
  form.append(element("p", { className: "yanshu-said" }));
  form.querySelector(".yanshu-said").setAttribute("role", "status");
  for (const field of known.fields) form.append(fieldOf(field, known, prefix));
  form.append(trap(known, prefix), hidden(known.stamp.name, known.stamp.value, "stamp"));
  form.append(hidden(known.stamp.number, "", "number"));
  form.append(element("button", { type: "submit", textContent: known.button, dir: "auto" }));
  return form;
}

const element = (name, values) => Object.assign(document.createElement(name), values);

// Typed texts may be in another script than the page: each has the direction of its own words.
const paragraphs = (text) => text.split(/\r?\n/).map((line) => element("p", { textContent: line, dir: "auto" }));

function fieldOf(field, known, prefix) {
  const isGroup = field.kind === "choices" || field.kind === "day";
  const part = element(isGroup ? "fieldset" : "div", { className: `yanshu-field yanshu-${field.kind}` });
  const id = `${prefix}-${field.name}`;
  const error = element("p", { className: "yanshu-error", id: `${id}-error`, hidden: true });
  part.dataset.name = field.name;
  part.dataset.error = error.id;
  const described = [error.id];
  if (field.help) described.push(`${id}-help`);
  if (isGroup) {
    part.append(labelOf("legend", field, known, {}), ...groupOf(field, id));
    part.setAttribute("aria-describedby", described.join(" "));
  } else {
    const control = controlOf(field);
    Object.assign(control, { id, name: field.name, required: field.required });
    control.setAttribute("aria-describedby", described.join(" "));
    const label = labelOf("label", field, known, { htmlFor: id });
    part.append(...(field.kind === "check" ? [control, " ", label] : [label, element("br", {}), control]));
  }
  if (field.help) {
    part.append(element("p", { className: "yanshu-help", id: `${id}-help`, textContent: field.help, dir: "auto" }));
  }
  part.append(error);
  return part;
}

function labelOf(kind, field, known, values) {
  const label = element(kind, values);
  label.append(element("bdi", { textContent: field.label }));
  if (field.kind !== "check" && !field.required) label.append(` (${known.optional})`);
  return label;
}

function controlOf(field) {
  if (field.kind === "check") return element("input", { type: "checkbox", value: "on" });
  if (field.kind === "choice") return selectOf(field.choices);
  const control = element("input", { type: field.kind, maxLength: field.longest, autocomplete: field.autocomplete });
  if (field.inputmode) control.inputMode = field.inputmode;
  if (field.dir) control.dir = field.dir;
  return control;
}

function selectOf(choices) {
  const select = element("select", {});
  select.append(...choices.map(([value, text]) => element("option", { value, textContent: text })));
  return select;
}

// A box for each choice; or a month and a day.
function groupOf(field, id) {
  if (field.kind === "choices") {
    return field.choices.flatMap(([value, text], number) => {
      const box = element("input", { type: "checkbox", id: `${id}-${number}`, name: field.name, value });
      const label = element("label", { htmlFor: box.id });
      label.append(element("bdi", { textContent: text }));
      return [box, " ", label, element("br", {})];
    });
  }
  return field.parts.flatMap(([end, label, choices]) => {
    const select = Object.assign(selectOf(choices), { name: field.name + end, required: field.required });
    select.setAttribute("aria-label", label);
    return [select, " "];
  });
}

function trap(known, prefix) {
  const part = element("div", { className: "yanshu-unseen" });
  part.setAttribute("aria-hidden", "true");
  Object.assign(part.style, {
    position: "absolute",
    clipPath: "inset(50%)",
    height: "1px",
    width: "1px",
    overflow: "hidden",
  });
  const control = element("input", {
    name: known.hidden.name,
    id: `${prefix}-trap`,
    tabIndex: -1,
    autocomplete: "off",
  });
  part.append(element("label", { htmlFor: control.id, textContent: known.hidden.label }), control);
  return part;
}

function hidden(name, value, what) {
  const control = element("input", { type: "hidden", name, value });
  control.dataset[what] = "";
  return control;
}

/** Thanks in place of the form, or what is wrong beside each field. */
export function showAnswer(form, answer) {
  if (answer.state === "done") thank(form, answer);
  else complain(form, answer);
}

function thank(form, answer) {
  if (answer.redirect) {
    window.location.assign(answer.redirect);
    return;
  }
  const thanks = element("div", { className: "yanshu-thanks", lang: form.lang, dir: form.dir, tabIndex: -1 });
  thanks.setAttribute("role", "status");
  thanks.append(element("h2", { textContent: answer.title }), ...paragraphs(answer.text));
  form.replaceWith(thanks);
  thanks.focus();
}

function complain(form, answer) {
  form.querySelector(".yanshu-said").textContent = answer.text;
  let first = null;
  for (const part of form.querySelectorAll(".yanshu-field")) {
    const [text] = answer.errors[part.dataset.name] ?? [];
    const error = document.getElementById(part.dataset.error);
    error.textContent = text ?? "";
    error.hidden = !text;
    for (const control of part.querySelectorAll("[name]")) {
      if (text) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
      if (text) first ??= control;
    }
  }
  first?.focus();
}
