// Whether a control of a form that came back with errors is still wrong. Controls are those of the page, or objects
// with the same properties.

// The value that the server sent back.
function isUnchanged(control) {
  if (control.tagName === "SELECT") {
    return [...control.options].every((option) => option.selected === option.defaultSelected);
  }
  if (["checkbox", "radio"].includes(control.type)) return control.checked === control.defaultChecked;
  return control.value === control.defaultValue;
}

/** The controls of a field are invalid while they have the refused value, or one that can't be valid. */
export function isWrong(controls) {
  return controls.every(isUnchanged) || controls.some((control) => !control.validity.valid);
}
