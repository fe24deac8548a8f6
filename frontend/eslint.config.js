// What eslint asks of our scripts. Layout is prettier's matter.
import js from "@eslint/js";
import globals from "globals";

const rules = {
  complexity: ["error", 10],
  curly: ["error", "multi-line"],
  "default-case-last": "error",
  // `== null` asks for null and undefined at once.
  eqeqeq: ["error", "always", { null: "ignore" }],
  "max-lines": ["error", 400],
  "max-params": ["error", 4],
  "no-alert": "error",
  "no-console": "error",
  "no-else-return": "error",
  "no-implicit-coercion": "error",
  "no-lonely-if": "error",
  "no-nested-ternary": "error",
  "no-return-assign": "error",
  "no-sequences": "error",
  "no-shadow": "error",
  "no-unneeded-ternary": "error",
  "no-useless-rename": "error",
  "no-useless-return": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
  "prefer-object-has-own": "error",
  "prefer-promise-reject-errors": "error",
  "prefer-template": "error",
  // Text from a server or a person is set as text, never parsed as HTML.
  "no-restricted-properties": [
    "error",
    ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property })),
  ],
};

export default [
  { ignores: ["dist/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  { rules },
  { files: ["src/**"], ignores: ["src/logic/**"], languageOptions: { globals: globals.browser } },
  // Rules without a page: what they need is handed to them, so that node can test them.
  { files: ["src/logic/**"], languageOptions: { globals: globals["shared-node-browser"] } },
  { files: ["*.js", "*.mjs", "tests/**"], languageOptions: { globals: globals.node } },
  { files: ["build.mjs"], rules: { "no-console": "off" } }, // a command speaks to its caller
];
