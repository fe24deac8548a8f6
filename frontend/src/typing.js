// While an input method composes a word (Chinese, Japanese, Korean), it uses the keys itself: Enter accepts a
// candidate, Escape drops the word, the arrows choose. Browsers set isComposing; older ones send the key code 229.

const PROCESS_KEY = 229;

export function composing(event) {
  return event.isComposing || event.keyCode === PROCESS_KEY;
}

/** Adds a key handler. Every key handler must be added by this function. */
export function onKey(target, handle) {
  target.addEventListener("keydown", (event) => {
    if (!composing(event)) handle(event);
  });
}
