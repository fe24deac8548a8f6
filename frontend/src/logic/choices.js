/** An index that wraps around at the ends; 0 for an empty list. */
export function around(index, count) {
  return count ? ((index % count) + count) % count : 0;
}
