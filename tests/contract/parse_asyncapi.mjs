// Reads an AsyncAPI document with AsyncAPI's own parser and prints what it says of it as JSON.
import { readFileSync } from "node:fs";
import parser from "@asyncapi/parser";

const text = readFileSync(process.argv[2], "utf8");
const { document, diagnostics } = await new parser.Parser().parse(text);
const complaints = diagnostics
  .filter(({ severity }) => severity <= 1) // errors and warnings
  .map(({ severity, code, message, path }) => ({ severity, code, message, path: path.join(".") }));
const messages = document === undefined ? [] : document.allMessages().all().map((message) => message.name());
console.log(JSON.stringify({ version: document?.version(), complaints, messages }));
