/** Which rows of a long list have to exist, given what is in view. */

export interface RowWindow {
  /** The first row that exists, and the one after the last. */
  readonly first: number;
  readonly end: number;
}

/**
 * The rows in view and a margin round them.
 * @param list top of the list relative to the top of the view, its row height and number of rows; pixels
 */
export function rowsInView(
  list: { readonly top: number; readonly rowHeight: number; readonly count: number },
  viewHeight: number,
): RowWindow {
  const first = Math.floor(-list.top / list.rowHeight) - margin;
  const end = Math.ceil((viewHeight - list.top) / list.rowHeight) + margin;
  const clamp = (row: number) => Math.min(list.count, Math.max(0, row));
  return { first: clamp(first), end: Math.max(clamp(end), clamp(first)) };
}

/** Rows beyond the view: the next Tab stop must exist, and scrolling must not show gaps. */
const margin = 10;
