// Texts as the string literals of the language.

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** What a schema would have to say to mean this text; on one line, and with no escapes but those that the parser reads. */
export const stringLiteral = (text: string): string =>
  `"${text.replace(/["\\\n\r\t]/g, (character) => ESCAPES[character])}"`;
