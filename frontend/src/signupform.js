// Builds a sign-up form in a foreign page from its description, and shows the answer in it. The page gives it its looks: only what
// must not be seen is hidden here, as style sheets and style attributes of ours may be forbidden there.
let forms = 0;

export function buildForm(known) {
  const prefix = `yanshu-${++forms}`;
  const form = element("form", { className: "yanshu-form", method: "post", action: known.url, noValidate: true });
  form.lang = known.language;
  form.dir = known.direction;
  if (known.title) form.append(element("h2", { textContent: known.title }));
  if (known.intro) form.append(...paragraphs(known.intro));
  form.append(element("p", { className: "yanshu-said" }));
  form.querySelector(".yanshu-said").setAttribute("role", "status");
  for (const field of known.fields) form.append(fieldOf(field, known, prefix));
  form.append(trap(known, prefix), hidden(known.stamp.name, known.stamp.value, "stamp"));
  form.append(hidden(known.stamp.number, "", "number"));
  form.append(element("button", { type: "submit", textContent: known.button }));
  return form;
}

const element = (name, values) => Object.assign(document.createElement(name), values);

const paragraphs = (text) => text.split(/\r?\n/).map((line) => element("p", { textContent: line }));

function fieldOf(field, known, prefix) {
  const part = element("div", { className: `yanshu-field yanshu-${field.kind}` });
  const control = controlOf(field);
  Object.assign(control, { id: `${prefix}-${field.name}`, name: field.name, required: field.required });
  const label = element("label", { htmlFor: control.id, textContent: field.label });
  if (field.kind === "check") part.append(control, " ", label);
  else {
    if (!field.required) label.append(` (${known.optional})`);
    part.append(label, element("br", {}), control);
  }
  const error = element("p", { className: "yanshu-error", id: `${control.id}-error`, hidden: true });
  const described = [error.id];
  if (field.help) {
    const help = element("p", { className: "yanshu-help", id: `${control.id}-help`, textContent: field.help });
    described.push(help.id);
    part.append(help);
  }
  control.setAttribute("aria-describedby", described.join(" "));
  part.append(error);
  return part;
}

function controlOf(field) {
  if (field.kind === "check") return element("input", { type: "checkbox", value: "on" });
  if (field.kind === "choice") {
    const select = element("select", {});
    select.append(...field.choices.map(([value, text]) => element("option", { value, textContent: text })));
    return select;
  }
  return element("input", { type: field.kind, maxLength: field.longest, autocomplete: field.autocomplete });
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
  for (const control of form.querySelectorAll(".yanshu-field [name]")) {
    const [text] = answer.errors[control.name] ?? [];
    const error = document.getElementById(`${control.id}-error`);
    error.textContent = text ?? "";
    error.hidden = !text;
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    if (text) first ??= control;
  }
  first?.focus();
}
