package dev.coppice.prune.channels;

import java.util.Arrays;

/** Numbers in sets that are united one pair after the other (union-find). */
final class DisjointSets {
  private int[] parents = new int[64];
  private int size;

  /** Adds numbers, each a set of its own, and returns the first. */
  int add(int count) {
    int first = size;
    int needed = Math.addExact(size, count);
    if (needed > parents.length) {
      parents = Arrays.copyOf(parents, Math.max(needed, 2 * parents.length));
    }
    for (int i = first; i < needed; i++) {
      parents[i] = i;
    }
    size = needed;
    return first;
  }

  void unite(int a, int b) {
    int first = find(a);
    int second = find(b);
    parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** Returns the smallest number of the set. */
  int find(int number) {
    int root = number;
    while (parents[root] != root) {
      parents[root] = parents[parents[root]];
      root = parents[root];
    }
    return root;
  }
}
