// Classifies one row with model.onnx, as the reader enters it. The fields are the model's own inputs.

import * as ort from "./ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1; // several need headers that isolate the page, and gain nothing here
ort.env.wasm.wasmPaths = new URL("./", import.meta.url).href;

const main = document.querySelector("main");
const form = document.getElementById("row");
const answer = document.getElementById("answer");
const table = document.getElementById("probabilities");
const session = await ort.InferenceSession.create("model.onnx");
const classes = await (await fetch("classes.json")).json();
let changed = false;

for (const { name, type } of session.inputMetadata) {
  const field = document.createElement("input");
  field.id = field.name = name;
  if (type !== "string") {
    field.type = "number";
    field.step = "any";
  }
  const label = document.createElement("label");
  label.htmlFor = name;
  label.textContent = name;
  form.append(label, field);
}
form.addEventListener("input", classify);
await classify();

async function classify() {
  changed = true;
  if (main.ariaBusy === "true") return; // one at a time; what changes meanwhile is classified next
  main.ariaBusy = "true";
  while (changed) {
    changed = false;
    show(await session.run(columns()));
  }
  main.ariaBusy = "false";
}

function columns() {
  const columns = {};
  for (const { name, type } of session.inputMetadata) {
    const { value, valueAsNumber } = form.elements.namedItem(name);
    columns[name] = type === "string"
      ? new ort.Tensor("string", [value], [1, 1])
      : new ort.Tensor("float64", Float64Array.of(valueAsNumber), [1, 1]); // empty: nan, missing
  }
  return columns;
}

function show({ prediction, probabilities }) {
  answer.textContent = `Prediction: ${prediction.data[0]}`;
  table.tBodies[0].replaceChildren(...classes.map((name, k) => {
    const row = document.createElement("tr");
    for (const text of [name, probabilities.data[k].toFixed(6)]) row.insertCell().textContent = text;
    return row;
  }));
  table.hidden = false;
}
