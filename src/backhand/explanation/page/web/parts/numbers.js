// Numbers as they are shown: with a minus sign, and as many digits as there is room for.

const MINUS = "−";

/** A number in at most `digits` significant digits: 0.1235, −12.35, 1.2e−7. */
export function shown(value, digits = 4) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 10 ** Math.max(digits, 4) || size < 1e-4) {
    const [digitsOf, power] = value.toExponential(digits - 1).split("e");
    return withMinus(`${digitsOf}e${Number(power)}`);
  }
  return withMinus(String(Number(value.toPrecision(digits))));
}

/**
 * In a cell: at most five characters, three decimals without the 0 in front: .123, −.045, 1.23; or
 * one digit and the power of ten, with the narrow hyphen: 2e-4, −3e-8. Below 1e-9, only the sign is
 * left: +0 or −0.
 */
export function brief(value) {
  if (Number.isNaN(value)) return "?";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size >= 9999.5) return withMinus(value.toExponential(0).replace("+", ""));
  if (Number.isInteger(value)) return withMinus(String(value));
  if (size < 9.5e-10) return value < 0 ? "−0" : "+0";
  if (size < 0.0005) return value.toExponential(0).replace(/^-/, MINUS);
  if (size < 0.9995) return withMinus(value.toFixed(3)).replace("0.", ".");
  return withMinus(value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0));
}

function withMinus(text) {
  return text.replaceAll("-", MINUS);
}
