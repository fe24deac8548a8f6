// Whether a control of a form that came back with errors is still wrong. Controls are those of the page, or objects
// with the same properties.

// As the server sent it back.
function isUnchanged(control) {
  if (control.tagName === "SELECT") {
    return [...control.options].every((option) => option.selected === option.defaultSelected);
  }
  if (["checkbox", "radio"].includes(control.type)) return control.checked === control.defaultChecked;
  return control.value === control.defaultValue;
}

/** The controls of one field are wrong while they hold the refused value, or one that cannot be right. */
export function isWrong(controls) {
  return controls.every(isUnchanged) || controls.some((control) => !control.validity.valid);
}
