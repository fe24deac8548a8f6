// While an input method composes a word (Chinese, Japanese, Korean), its keys are not the page's: Enter takes a
// candidate, Escape drops the word, the arrows choose. Browsers say so by isComposing; older ones by the code 229.

const PROCESS_KEY = 229;

export function composing(event) {
  return event.isComposing || event.keyCode === PROCESS_KEY;
}

/** Every key handler is put up by this. */
export function onKey(target, handle) {
  target.addEventListener("keydown", (event) => {
    if (!composing(event)) handle(event);
  });
}
