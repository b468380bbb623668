/** A text cut where another occurs in it, so that the occurrences can be marked. */

export type Piece = { readonly text: string; readonly hit: boolean };

/** In any case of letters, and with any white space where the wanted text has some: what is found was folded to one line. */
export function pieces(text: string, wanted: string): readonly Piece[] {
  const words = wanted.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [{ text, hit: false }];
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+");
  return text
    .split(new RegExp(`(${pattern})`, "iu"))
    .map((piece, index) => ({ text: piece, hit: index % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}
