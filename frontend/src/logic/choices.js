/** An index that goes on at the other end; 0 where there is nothing to choose. */
export function around(index, count) {
  return count ? ((index % count) + count) % count : 0;
}
