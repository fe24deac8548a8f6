// What stylelint asks of our style sheets. Layout is prettier's matter.
export default {
  extends: ["stylelint-config-standard"],
  plugins: ["stylelint-order"],
  rules: {
    "order/properties-alphabetical-order": true,
    // Blank lines group custom properties by what they are for.
    "custom-property-empty-line-before": null,
    "declaration-empty-line-before": null,
    "import-notation": "string",
    // Recipients open public.css in old browsers, which know no (width <= 480px).
    "media-feature-range-notation": "prefix",
    // A sheet holds many parts that never meet in one element; the rule compares their selectors all the same.
    "no-descending-specificity": null,
    "value-keyword-case": ["lower", { camelCaseSvgKeywords: true, ignoreProperties: [/^--tblr-font-/] }],
  },
};
