/** What two answers share and where they part, word by word. */

export type Piece = { readonly text: string; readonly same: boolean };

/** Words of one text beyond this are not told apart: the table of a longer one would stop the page. */
const MOST_WORDS = 1_200;

const wordsOf = (text: string) => text.match(/\s+|[^\s]+/g) ?? [];

/** Both texts in pieces, each the same in both or only here; whole, where they are too long to be told apart. */
export function difference(a: string, b: string): { readonly a: Piece[]; readonly b: Piece[] } {
  if (a === b) return { a: whole(a, true), b: whole(b, true) };
  const [left, right] = [wordsOf(a), wordsOf(b)];
  if (left.length > MOST_WORDS || right.length > MOST_WORDS) return { a: whole(a, false), b: whole(b, false) };
  const [inA, inB] = common(left, right);
  return { a: pieces(left, inA), b: pieces(right, inB) };
}

const whole = (text: string, same: boolean): Piece[] => (text === "" ? [] : [{ text, same }]);

/** For each word whether it belongs to the longest common sequence. */
function common(a: readonly string[], b: readonly string[]): [boolean[], boolean[]] {
  const width = b.length + 1;
  const length = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      length[i * width + j] =
        a[i] === b[j]
          ? (length[(i + 1) * width + j + 1] as number) + 1
          : Math.max(length[(i + 1) * width + j] as number, length[i * width + j + 1] as number);
    }
  }
  const [inA, inB] = [a.map(() => false), b.map(() => false)];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      inA[i] = true;
      inB[j] = true;
      i += 1;
      j += 1;
    } else if ((length[(i + 1) * width + j] as number) >= (length[i * width + j + 1] as number)) i += 1;
    else j += 1;
  }
  return [inA, inB];
}

function pieces(words: readonly string[], shared: readonly boolean[]): Piece[] {
  const found: { text: string; same: boolean }[] = [];
  words.forEach((word, index) => {
    const same = shared[index] as boolean;
    const last = found.at(-1);
    if (last?.same === same) last.text += word;
    else found.push({ text: word, same });
  });
  return found;
}
